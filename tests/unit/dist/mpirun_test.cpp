// What happens between processes: exchange_check runs one scenario on every rank.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include <chrono>
#include <string>
#include <thread>

#include "reprise/core/stop.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/launch.h"

namespace reprise::dist {
namespace {

using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

const std::string kProgram = REPRISE_BINARY_DIR "/tests/dist_exchange_check";

struct Outcome {
  int status = 0;
  std::string output;  // stdout and stderr
  double seconds = 0;
};

Outcome run_scenario(int num_ranks, const std::string& scenario) {
  std::string line;
  for (const std::string& word : mpirun_command(num_ranks, std::vector<std::string>{kProgram, scenario})) {
    line += "'" + word + "' ";
  }
  const auto start = std::chrono::steady_clock::now();
  FILE* pipe = ::popen((line + "2>&1 < /dev/null").c_str(), "r");
  Outcome outcome;
  char buffer[4096];
  while (const std::size_t got = fread(buffer, 1, sizeof buffer, pipe)) outcome.output.append(buffer, got);
  const int status = ::pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

class ExchangeTest : public ::testing::TestWithParam<int> {};

TEST_P(ExchangeTest, DeliversEveryByteAndIsQuiet) {
  const Outcome outcome = run_scenario(GetParam(), "exchange");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, "");
}

TEST_P(ExchangeTest, CutsLongMessagesIntoChunks) {
  const Outcome outcome = run_scenario(GetParam(), "small_chunks");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, "");
}

INSTANTIATE_TEST_SUITE_P(Ranks, ExchangeTest, ::testing::Values(1, 2, 3, 5));

TEST(MpirunTest, DuplicateServesASecondThreadOfEveryRankAtTheSameTime) {
  const Outcome outcome = run_scenario(3, "two_threads");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, "");
}

TEST(MpirunTest, MpiThatServesOneThreadAtATimeIsRefusedWithSeveralRanksAlone) {
  const Outcome outcome = run_scenario(2, "one_thread_at_a_time");
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.output, HasSubstr("needed is MPI_THREAD_MULTIPLE"));
  EXPECT_THAT(outcome.output, HasSubstr("hint: install OpenMPI with thread support"));
  EXPECT_EQ(run_scenario(1, "one_thread_at_a_time").status, 0);
}

TEST(MpirunTest, RankThatDoesNotComeIsNamedWhenThePatienceIsOver) {
  for (const char* scenario : {"stuck", "stuck_duplicate"}) {
    const Outcome outcome = run_scenario(3, scenario);
    EXPECT_EQ(outcome.status, 6);
    EXPECT_THAT(outcome.output, ContainsRegex("rank 1 has not come for 1 s; rank [02] was waiting for it"));
    EXPECT_THAT(outcome.output, HasSubstr("runtime.watchdog_seconds"));
  }
}

TEST(MpirunTest, KilledRankEndsTheOthersSoonAndIsNamed) {
  const Outcome outcome = run_scenario(3, "killed");
  EXPECT_EQ(outcome.status, 128 + SIGKILL);
  EXPECT_THAT(outcome.output, HasSubstr("rank 2 has died"));
  EXPECT_LT(outcome.seconds, 20);
}

TEST(MpirunTest, ThrownErrorOfOneRankEndsAllWithItsStatus) {
  const Outcome outcome = run_scenario(3, "throw");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.output, HasSubstr("error[data]: the scenario asks for it"));
}

TEST(MpirunTest, AbortEndsEveryRankWithTheGivenStatus) {
  const Outcome outcome = run_scenario(3, "abort");
  EXPECT_EQ(outcome.status, 7);
  EXPECT_THAT(outcome.output, HasSubstr("rank 2 of 3 ends the run: the scenario asks for it"));
}

TEST(MpirunTest, MessageOfAnotherSizeIsAnErrorThatNamesBothRanks) {
  const Outcome outcome = run_scenario(2, "mismatch");
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.output, HasSubstr("rank 0 sends 10 bytes, rank 1 expects 20"));
}

TEST(MpirunTest, FailureOfMpiItselfIsSaid) {
  const Outcome outcome = run_scenario(2, "no_shared_memory");
  EXPECT_NE(outcome.status, 0);
  // OpenMPI sometimes loses its own reason on a busy machine, but not the call.
  EXPECT_THAT(outcome.output, AnyOf(HasSubstr("File too large"), HasSubstr("An error occurred in MPI_Init_thread")));
}

TEST(RunRanksTest, PassesTheExitStatusOn) {
  EXPECT_EQ(run_ranks(2, std::vector<std::string>{kProgram, "exchange"}), 0);
  EXPECT_EQ(run_ranks(2, std::vector<std::string>{kProgram, "throw"}), 3);
}

TEST(RunRanksTest, GivesRanksTheTimeTheyNeedAfterAStopSignal) {
  std::thread stopper([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    request_stop(SIGTERM);
  });
  const int status = run_ranks(2, std::vector<std::string>{kProgram, "stop"});
  stopper.join();
  request_stop(0);
  EXPECT_EQ(status, 128 + SIGTERM);
}

}  // namespace
}  // namespace reprise::dist
