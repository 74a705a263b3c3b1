// kill -9 of any rank at any place, then a resume with another number of ranks: the same roots and the same run.log.

#include <fmt/core.h>

#include <random>

#include "program.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

struct Kill {
  const char* point;
  int count;  // the pass that kills
  int ranks;
  int killed_rank;
  int resume_ranks;
};

/// Twenty kills, four at each point; counts, ranks and victims by a seeded generator, so that a red run can be repeated.
std::vector<Kill> seeded_kills() {
  std::mt19937 random(20261121);
  const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
  std::vector<Kill> kills;
  for (const char* point : {"compute", "exchange", "tensor_write", "before_rename", "log_append"}) {
    const std::string name = point;
    for (int i = 0; i < 4; ++i) {
      Kill kill{point, 1 + below(10), 1 + below(3), 0, 1 + below(4)};
      if (name == "exchange") kill.ranks = 2 + below(2);
      const bool any_rank = name == "compute" || name == "exchange" || name == "tensor_write";
      kill.killed_rank = any_rank ? below(kill.ranks) : 0;
      kills.push_back(kill);
    }
  }
  return kills;
}

std::vector<std::string> ranks_flag(int ranks) { return {"--ranks", std::to_string(ranks), "--threads", "1"}; }

class KilledRun : public ProgramTest, public testing::WithParamInterface<Kill> {
 protected:
  struct Expected {
    std::vector<std::string> roots;
    std::string run_log;
  };
  /// The uninterrupted run, made once.
  static const Expected& expected() {
    static const Expected value = [] {
      const auto run = std::filesystem::temp_directory_path() / fmt::format("reprise_whole_{}", ::getpid());
      copy_prepared_run(run);
      const Outcome outcome = run_reprise({"train", small_config(), "--out", run.string(), "--threads", "2"});
      EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
      Expected whole{checkpoint_roots(run), read_file(run / "run.log")};
      std::filesystem::remove_all(run);
      return whole;
    }();
    return value;
  }
};

TEST_P(KilledRun, ResumesToTheSameRootsAndLog) {
  const Kill& kill = GetParam();
  const Expected& whole = expected();
  ASSERT_GT(whole.roots.size(), 12u);
  const auto run = folder_ / "run";
  copy_prepared_run(run);

  std::vector<std::string> first = {"train", small_config(), "--out", run.string()};
  for (const std::string& flag : ranks_flag(kill.ranks)) first.push_back(flag);
  const Outcome killed =
      run_reprise(first, {fmt::format("REPRISE_FAULT={}:{}:{}", kill.point, kill.count, kill.killed_rank)});
  ASSERT_NE(killed.exit_code, 0) << "the run was not killed: the fault point was not reached";

  std::vector<std::string> second = {"train", "--resume", run.string()};
  for (const std::string& flag : ranks_flag(kill.resume_ranks)) second.push_back(flag);
  const Outcome resumed = run_reprise(second);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(checkpoint_roots(run), whole.roots);
  EXPECT_EQ(read_file(run / "run.log"), whole.run_log);
}

INSTANTIATE_TEST_SUITE_P(TwentySeededKills, KilledRun, testing::ValuesIn(seeded_kills()), [](const auto& info) {
  return fmt::format("{}_{}_{}_pass{}_rank{}of{}_resume{}", info.index, info.param.point, "kill", info.param.count,
                     info.param.killed_rank, info.param.ranks, info.param.resume_ranks);
});

}  // namespace
}  // namespace reprise::cli_test
