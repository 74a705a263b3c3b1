// Ranks that die and ranks that get stuck: the others name them and end, and --restart goes on with those that are
// left.

#include <fmt/core.h>
#include <gmock/gmock.h>

#include "program.h"
#include "reprise/core/files.h"
#include "reprise/logs/session_log.h"
#include "whole_run.h"

namespace reprise::cli_test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class LostRank : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    run_ = folder_ / "run";
    copy_prepared_run(run_);
  }
  Outcome train(const std::vector<std::string>& flags, const std::string& fault) {
    std::vector<std::string> words = {"train", small_config(), "--out", run_.string(), "--threads", "1"};
    words.insert(words.end(), flags.begin(), flags.end());
    return run_reprise(words, {"REPRISE_FAULT=" + fault});
  }
  std::vector<std::string> notes() const {
    std::vector<std::string> messages;
    for (const logs::SessionEvent& event : logs::read_session_log(run_ / "session.log")) {
      if (event.kind == logs::SessionEvent::Kind::kNote) messages.push_back(event.message);
    }
    return messages;
  }
  std::filesystem::path run_;
};

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_F(LostRank, ThatDiesIsNamedByTheOthersWhateverTheyDo) {
  for (const char* fault : {"compute:9:1", "exchange:6:1", "gather:5:1", "snapshot:3:1", "tensor_write:3:1",
                            "before_rename:3:1", "after_rename:3:1"}) {
    std::filesystem::remove_all(run_);
    copy_prepared_run(run_);
    const Outcome outcome = train({"--ranks", "3"}, fault);
    EXPECT_EQ(outcome.exit_code, 128 + 9) << fault << "\n" << outcome.err;
    EXPECT_THAT(outcome.err, ContainsRegex("error.distributed.: rank 1 has died .process [0-9]+.; rank [02] cannot"))
        << fault;
  }
}

TEST_F(LostRank, ThatGetsStuckIsNamedWhenTheWatchdogHasWaited) {
  const char* const named = "rank 1 has not come for [23] s; rank [02] was waiting for it";
  // A thread that hangs in its write, while its rank goes on, may leave the others inside MPI's file access.
  const char* const named_or_file =
      "rank 1 has not come for [23] s; rank [02] was waiting for it|"
      "rank [012] has waited 2 s for the write of .*/checkpoints/step-000002.h5";
  for (const auto& [fault, said] : {std::pair("exchange:6:1:hang", named), std::pair("tensor_write:3:1:stop", named),
                                    std::pair("tensor_write:3:1:hang", named_or_file)}) {
    std::filesystem::remove_all(run_);
    copy_prepared_run(run_);
    const Outcome outcome = train({"--ranks", "3", "--set", "runtime.watchdog_seconds=2"}, fault);
    EXPECT_EQ(outcome.exit_code, 6) << fault << "\n" << outcome.err;
    EXPECT_THAT(outcome.err, ContainsRegex(said)) << fault;
    EXPECT_THAT(outcome.err, HasSubstr("runtime.watchdog_seconds")) << fault;
  }
}

TEST_F(LostRank, AloneWithAWriteThatDoesNotEndSaysWhichFile) {
  const Outcome outcome = train({"--set", "runtime.watchdog_seconds=1"}, "tensor_write:2:0:hang");
  EXPECT_EQ(outcome.exit_code, 6) << outcome.err;
  EXPECT_THAT(outcome.err, ContainsRegex("rank 0 has waited 1 s for the write of .*/checkpoints/step-000001.h5"));
}

TEST_F(LostRank, IsDoneWithoutWhenRestartsAreAllowed) {
  const Outcome outcome = train({"--ranks", "3", "--restart", "2"}, "exchange:20:2");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(checkpoint_roots(run_), whole_run().roots);
  EXPECT_EQ(read_file(run_ / "run.log"), whole_run().run_log);
  const std::string said =
      "restart 1 of 2: a rank died or got stuck (exit code 137); 2 of 3 ranks go on from the last checkpoint";
  EXPECT_THAT(outcome.err, HasSubstr(said));
  EXPECT_EQ(notes(), std::vector<std::string>{said});
}

TEST_F(LostRank, ThatWasStuckIsDoneWithoutToo) {
  const Outcome outcome =
      train({"--ranks", "2", "--restart", "1", "--set", "runtime.watchdog_seconds=2"}, "compute:30:1:stop");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("rank 1 has not come for 2 s"));
  EXPECT_THAT(outcome.err, HasSubstr("restart 1 of 1: a rank died or got stuck (exit code 6); 1 of 2 ranks go on"));
}

TEST_F(LostRank, EndsTheRunWhenNoRestartIsLeft) {
  const Outcome outcome = train({"--ranks", "2", "--restart", "1"}, "compute:4:0");  // rank 0 dies in every session
  EXPECT_EQ(outcome.exit_code, 128 + 9) << outcome.err;
  EXPECT_EQ(count_of(outcome.err, "restart 1 of 1:"), 1);
  EXPECT_EQ(count_of(outcome.err, "mpirun "), 2) << outcome.err;
}

TEST_F(LostRank, IsNotWhatAnErrorOfTheRunIs) {
  const Outcome numeric = train({"--ranks", "2", "--restart", "3", "--set", "train.learning_rate.peak=1e30"}, "");
  EXPECT_EQ(numeric.exit_code, 7) << numeric.err;
  EXPECT_THAT(numeric.err, Not(HasSubstr("restart")));
  const Outcome again = train({"--ranks", "2", "--restart", "3"}, "");
  EXPECT_EQ(again.exit_code, 4) << again.err;
  EXPECT_THAT(again.err, HasSubstr("already holds a run"));
  EXPECT_THAT(again.err, Not(HasSubstr("restart")));
}

TEST_F(LostRank, CannotBeReplacedUnderAnMpirunOfTheUser) {
  const Outcome outcome =
      run_reprise({"train", small_config(), "--out", run_.string(), "--restart", "2"}, {"OMPI_COMM_WORLD_SIZE=2"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("--restart was given under mpirun"));
  EXPECT_THAT(outcome.err, HasSubstr("hint: start with `reprise train --ranks N --restart M`"));
}

}  // namespace
}  // namespace reprise::cli_test
