// The root matrix: trainings on R ranks, and trainings that are killed on R ranks and resumed on another number, all
// give the same checkpoint roots and the same run.log; session.log says which rank ran which grains and what it sent. A
// table is printed. R is 2 and 5; with REPRISE_ROOT_MATRIX=all it is 1 to 8.

#include <fmt/core.h>

#include <cstdlib>

#include "program.h"
#include "reprise/core/files.h"
#include "reprise/logs/session_log.h"
#include "whole_run.h"

namespace reprise::cli_test {
namespace {

using logs::SessionEvent;

std::vector<int> rank_counts() {
  if (std::getenv("REPRISE_ROOT_MATRIX") == nullptr) return {2, 5};
  return {1, 2, 3, 4, 5, 6, 7, 8};
}

/// Another number of ranks for every R: 1 to 5, 2 to 6, ..., 8 to 4.
int resume_ranks(int ranks) { return (ranks + 3) % 8 + 1; }

/// What the last session of a session.log says.
struct Session {
  int num_ranks = 0;
  std::vector<int> first_grains, num_grains;  // by rank
  std::vector<double> bytes_sent;             // by rank, at the end
};

Session last_session(const std::filesystem::path& run) {
  Session session;
  for (const SessionEvent& event : logs::read_session_log(run / "session.log")) {
    if (event.kind == SessionEvent::Kind::kStart || event.kind == SessionEvent::Kind::kResume) {
      session = {};
      session.num_ranks = static_cast<int>(event.figures.at("num_ranks"));
    } else if (event.kind == SessionEvent::Kind::kRank) {
      session.first_grains.push_back(static_cast<int>(event.figures.at("first_grain")));
      session.num_grains.push_back(static_cast<int>(event.figures.at("num_grains")));
    } else if (event.kind == SessionEvent::Kind::kStep) {
      session.bytes_sent.clear();
      for (int rank = 0; rank < session.num_ranks; ++rank) {
        session.bytes_sent.push_back(event.figures.at(fmt::format("bytes_sent_rank_{}", rank)));
      }
    }
  }
  return session;
}

class RootMatrix : public ProgramTest, public testing::WithParamInterface<int> {
 protected:
  Outcome train(const std::vector<std::string>& how, int ranks, const std::string& fault = {}) {
    std::vector<std::string> words = {"train"};
    words.insert(words.end(), how.begin(), how.end());
    for (const std::string& flag : ranks_flag(ranks)) words.push_back(flag);
    return run_reprise(words, {"REPRISE_FAULT=" + fault});
  }
  void expect_the_one_run(const Outcome& outcome, const std::filesystem::path& run, int ranks) {
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(checkpoint_roots(run), whole_run().roots);
    EXPECT_EQ(read_file(run / "run.log"), whole_run().run_log);
    expect_complete_account(last_session(run), ranks);
  }
  static void expect_complete_account(const Session& session, int ranks) {
    EXPECT_EQ(session.num_ranks, ranks);
    ASSERT_EQ(session.num_grains.size(), static_cast<std::size_t>(ranks));
    ASSERT_EQ(session.bytes_sent.size(), static_cast<std::size_t>(ranks));
    int next = 0;
    for (std::size_t rank = 0; rank < session.num_grains.size(); ++rank) {
      EXPECT_EQ(session.first_grains[rank], next) << "rank " << rank;
      next += session.num_grains[rank];
      EXPECT_EQ(session.bytes_sent[rank] > 0, ranks > 1) << "rank " << rank;
    }
    EXPECT_EQ(next, 7) << "every grain of the step runs on one rank";
  }
  static void print_row(const char* how, const Session& session) {
    std::string grains;
    std::string bytes;
    for (const int count : session.num_grains) grains += fmt::format(" {}", count);
    for (const double count : session.bytes_sent) bytes += fmt::format(" {:.1f}", count / 1e6);
    fmt::print("{:<22} grains{:<18} MB sent{}\n", how, grains, bytes);
  }
};

TEST_P(RootMatrix, GivesTheSameRootsAndLogWholeAndResumedOnAnotherNumber) {
  const int ranks = GetParam();
  const int others = resume_ranks(ranks);
  const auto whole = folder_ / "whole";
  copy_prepared_run(whole);
  expect_the_one_run(train({small_config(), "--out", whole.string()}, ranks), whole, ranks);
  print_row(fmt::format("{} ranks", ranks).c_str(), last_session(whole));

  const auto killed = folder_ / "killed";
  copy_prepared_run(killed);
  const std::string fault = fmt::format("gather:{}:{}", 8 + ranks, ranks / 2);
  EXPECT_NE(train({small_config(), "--out", killed.string()}, ranks, fault).exit_code, 0);
  expect_the_one_run(train({"--resume", killed.string()}, others), killed, others);
  print_row(fmt::format("{} ranks, then {}", ranks, others).c_str(), last_session(killed));
}

INSTANTIATE_TEST_SUITE_P(Ranks, RootMatrix, testing::ValuesIn(rank_counts()));

}  // namespace
}  // namespace reprise::cli_test
