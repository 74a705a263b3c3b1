// The parts of --restart and of the watch over other ranks that need no ranks.

#include "restart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "death_watch.h"
#include "launch.h"
#include "reprise/configs/config.pb.h"
#include "reprise/core/error.h"
#include "reprise/core/stop.h"
#include "reprise/dist/local_group.h"

namespace reprise::app {
namespace {

using testing::ElementsAre;

TEST(Restart, FollowsADeathBySignalAndAWaitInVainAndNothingElse) {
  for (const int code : {6, 128 + 9, 128 + 11, 128 + 6, 128 + 7}) EXPECT_TRUE(rank_was_lost(code)) << code;
  for (const int code : {0, 1, 2, 3, 4, 5, 7, 128 + 2, 128 + 15, 127}) EXPECT_FALSE(rank_was_lost(code)) << code;
}

TEST(Restart, LeavesAnOptionAndItsValueAwayInBothSpellings) {
  EXPECT_THAT(without_option({"reprise", "train", "--restart", "3", "a.pbtxt", "--ranks=4"}, "--restart"),
              ElementsAre("reprise", "train", "a.pbtxt", "--ranks=4"));
  EXPECT_THAT(without_option({"reprise", "train", "--restart", "3", "a.pbtxt", "--ranks=4"}, "--ranks"),
              ElementsAre("reprise", "train", "--restart", "3", "a.pbtxt"));
}

TEST(Restart, CarriesTheNumbersSwitchesAndDeviceOfTheRuntimeOnButNotTheNumberOfRanks) {
  configs::Runtime runtime;
  runtime.set_num_ranks(4);
  runtime.set_num_threads(2);
  runtime.set_watchdog_seconds(30);
  runtime.set_output_dir("a b");
  runtime.set_device("cuda");
  runtime.mutable_checkpoint_storage()->set_delta(true);
  EXPECT_THAT(
      runtime_overrides(runtime),
      testing::UnorderedElementsAre("--set", "runtime.num_threads=2", "--set", "runtime.watchdog_seconds=30", "--set",
                                    "runtime.checkpoint_storage.delta=true", "--set", "runtime.device=cuda"));
}

TEST(Restart, ResumesOnlyWhatHasBegunAndNotWhatAnotherRunHasLeft) {
  const auto folder = std::filesystem::temp_directory_path() / ("reprise_restart_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  Restarts restarts;
  restarts.run_dir = folder;
  restarts.start = {"start"};
  restarts.resume = [] { return std::vector<std::string>{"resume"}; };
  EXPECT_THAT(words_to_go_on(restarts), ElementsAre("start"));
  std::ofstream(folder / "recipe.pbtxt") << "recipe {}";
  EXPECT_THAT(words_to_go_on(restarts), ElementsAre("start")) << "that recipe may be another one's";
  std::ofstream(folder / "run.log") << "begun";
  EXPECT_THAT(words_to_go_on(restarts), ElementsAre("resume"));
  restarts.had_log = true;
  EXPECT_THAT(words_to_go_on(restarts), ElementsAre("start")) << "that log may be another run's";
  std::filesystem::remove_all(folder);
}

TEST(Launch, SpeaksForAnMpirunThatIsQuietAndForTheKilled) {
  EXPECT_THAT(unsaid_failure(1)->formatted(), testing::HasSubstr("mpirun line above, without --quiet"));
  EXPECT_THAT(unsaid_failure(128 + SIGKILL)->formatted(), testing::HasSubstr("signal 9 has ended"));
  for (const int status : {0, 2, 3, 4, 5, 6, 7, 130, 143}) EXPECT_FALSE(unsaid_failure(status)) << status;
}

/// A rank of two that learns of a death and computes on.
[[noreturn]] void compute_beside_a_dead_rank() {
  auto ranks = dist::make_local_group(2);
  const DeathWatch watch(*ranks[0]);
  ranks[1].reset();
  while (true) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

TEST(DeathWatchDeathTest, SpeaksAndEndsTheProcessWhileTheRankComputes) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(compute_beside_a_dead_rank(), testing::ExitedWithCode(6),
              "error.distributed.: rank 1 has left the group\nhint: continue with `reprise train --resume RUN`");
}

TEST(DeathWatch, LeavesTheWordToARankThatSpeaksForItself) {
  auto ranks = dist::make_local_group(2);
  DeathWatch watch(*ranks[0]);
  ranks[1].reset();
  watch.disarm();
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  EXPECT_EQ(ranks[0]->lost_rank(), "rank 1 has left the group");
}

/// Rank 1 of two meets an error; a word on stderr and exit code 99 stand for what main() would do.
[[noreturn]] void fail_on_rank_1(ErrorKind kind,
                                 const std::function<void(std::unique_ptr<dist::Communicator>&)>& rank_0) {
  auto ranks = dist::make_local_group(2);
  std::jthread other([&] { rank_0(ranks[0]); });
  try {
    throw Error(kind, "as rank 0 has met it");
  } catch (const std::exception&) {
    let_first_rank_speak(*ranks[1]);
  }
  std::fputs("rank 1 speaks", stderr);
  std::_Exit(99);
}

TEST(FirstRankDeathTest, SpeaksForAllWhenItEnds) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto ends = [](auto& rank) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    rank.reset();
  };
  EXPECT_EXIT(fail_on_rank_1(ErrorKind::kIo, ends), testing::ExitedWithCode(4), testing::IsEmpty());
  const auto mpirun_ends_all = [](auto&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    request_stop(SIGTERM);
  };
  EXPECT_EXIT(fail_on_rank_1(ErrorKind::kData, mpirun_ends_all), testing::ExitedWithCode(3), testing::IsEmpty());
}

TEST(FirstRankDeathTest, DoesNotSpeakForRanksThatHaveLostIt) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(fail_on_rank_1(ErrorKind::kDistributed, [](auto& rank) { rank.reset(); }), testing::ExitedWithCode(99),
              "rank 1 speaks");
}

}  // namespace
}  // namespace reprise::app
