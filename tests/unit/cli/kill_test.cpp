// kill -9 of any rank at any place, then a resume with another number of ranks: the same roots and the same run.log.

#include <fmt/core.h>

#include <random>

#include "program.h"
#include "whole_run.h"

namespace reprise::cli_test {
namespace {

struct Kill {
  const char* point;
  int count;  // the pass that kills
  int ranks;
  int killed_rank;
  int resume_ranks;
};

/// Two kills at each point, which tests/matrix has in many more shapes within one process; counts, ranks and victims by
/// a seeded generator, so that a red run can be repeated.
std::vector<Kill> seeded_kills() {
  std::mt19937 random(20261121);
  const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
  std::vector<Kill> kills;
  for (const char* point : {"compute", "exchange", "tensor_write", "before_rename", "log_append"}) {
    const std::string name = point;
    for (int i = 0; i < 2; ++i) {
      Kill kill{point, 1 + below(10), 1 + below(3), 0, 1 + below(4)};
      if (name == "exchange") kill.ranks = 2 + below(2);
      const bool any_rank = name == "compute" || name == "exchange" || name == "tensor_write";
      kill.killed_rank = any_rank ? below(kill.ranks) : 0;
      kills.push_back(kill);
    }
  }
  return kills;
}

class KilledRun : public ProgramTest, public testing::WithParamInterface<Kill> {};

TEST_P(KilledRun, ResumesToTheSameRootsAndLog) {
  const Kill& kill = GetParam();
  ASSERT_GT(whole_run().roots.size(), 12u);
  const auto run = folder_ / "run";
  copy_prepared_run(run);
  std::vector<std::string> words = {"train", small_config(), "--out", run.string()};
  for (const std::string& flag : ranks_flag(kill.ranks)) words.push_back(flag);
  const Outcome killed =
      run_reprise(words, {fmt::format("REPRISE_FAULT={}:{}:{}", kill.point, kill.count, kill.killed_rank)});
  ASSERT_NE(killed.exit_code, 0) << "the run was not killed: the fault point was not reached";
  expect_only_whole_checkpoints(run);
  expect_resumes_to_the_whole_run(run, kill.resume_ranks);
}

INSTANTIATE_TEST_SUITE_P(TenSeededKills, KilledRun, testing::ValuesIn(seeded_kills()), [](const auto& kill) {
  return fmt::format("{}_{}_pass{}_rank{}of{}_resume{}", kill.index, kill.param.point, kill.param.count,
                     kill.param.killed_rank, kill.param.ranks, kill.param.resume_ranks);
});

}  // namespace
}  // namespace reprise::cli_test
