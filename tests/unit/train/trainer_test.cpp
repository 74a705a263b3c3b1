#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"
#include "reprise/core/stop.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/logs/run_log.h"
#include "reprise/logs/session_log.h"
#include "tiny_run.h"

namespace reprise::train {
namespace {

using testing::HasSubstr;

class Trainer : public testing::Test {
 protected:
  static std::filesystem::path scratch() {
    return std::filesystem::temp_directory_path() / fmt::format("reprise_trainer_{}", ::getpid());
  }
  /// Data and an uninterrupted run with one thread, made once.
  static void SetUpTestSuite() {
    std::filesystem::remove_all(scratch());
    make_tiny_data(scratch() / "data");
    whole_ = copy_of_data("whole");
    whole_summary_ = train_tiny(whole_, 1, false);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(scratch()); }
  void SetUp() override { request_stop(0); }
  void TearDown() override { request_stop(0); }

  static std::filesystem::path copy_of_data(const std::string& name) {
    const std::filesystem::path folder = scratch() / name;
    std::filesystem::remove_all(folder);
    std::filesystem::copy(scratch() / "data", folder, std::filesystem::copy_options::recursive);
    return folder;
  }
  static std::filesystem::path copy_of_whole(const std::string& name) {
    const std::filesystem::path folder = scratch() / name;
    std::filesystem::remove_all(folder);
    std::filesystem::copy(whole_, folder, std::filesystem::copy_options::recursive);
    return folder;
  }
  /// As a kill behind the steps before that checkpoint leaves the log.
  static void cut_log_before_checkpoint(const std::filesystem::path& folder, std::uint64_t step) {
    for (const logs::RunRecord& record : logs::read_run_log(folder / "run.log").records) {
      if (!record.checkpoint || record.checkpoint->step != step) continue;
      return std::filesystem::resize_file(folder / "run.log", record.offset);
    }
    FAIL() << "no checkpoint of step " << step;
  }
  static void expect_whole(const std::filesystem::path& folder) {
    EXPECT_EQ(roots_in(folder), roots_in(whole_));
    EXPECT_TRUE(read_file(folder / "run.log") == read_file(whole_ / "run.log"));
  }
  template <typename Work>
  static Error error_of(const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error was thrown";
    return Error(ErrorKind::kInternal, "none");
  }

  static inline std::filesystem::path whole_;
  static inline TrainSummary whole_summary_;
};

TEST_F(Trainer, WritesEveryScheduledCheckpointAndMomentsInAnchors) {
  std::vector<std::uint64_t> steps;
  std::vector<std::uint64_t> anchors;
  for (const auto& info : checkpoints::list_checkpoints(whole_ / "checkpoints")) {
    EXPECT_EQ(info.kind, checkpoints::FileKind::kScheduled);
    steps.push_back(info.header.step);
    if (info.has_moments) anchors.push_back(info.header.step);
  }
  EXPECT_EQ(steps, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 6, 8, 9, 12}));
  EXPECT_EQ(anchors, (std::vector<std::uint64_t>{0, 6, 12}));
}

TEST_F(Trainer, ChainsCheckpointsByTheRootOfTheOneBefore) {
  Digest previous;
  for (const auto& info : checkpoints::list_checkpoints(whole_ / "checkpoints")) {
    EXPECT_EQ(info.header.previous_root, previous) << "step " << info.header.step;
    previous = info.root;
  }
  EXPECT_EQ(whole_summary_.final_root, previous);
}

TEST_F(Trainer, LogsEveryStepWithItsStateAndLosses) {
  const logs::RunLog log = logs::read_run_log(whole_ / "run.log");
  ASSERT_TRUE(log.records.front().header.has_value());
  EXPECT_EQ(log.records.front().header->num_grains, 5u);
  std::uint64_t steps = 0;
  double first_loss = 0;
  double last_loss = 0;
  for (const logs::RunRecord& record : log.records) {
    if (!record.step) continue;
    EXPECT_EQ(record.step->step, ++steps);
    EXPECT_EQ(record.step->first_sample, (steps - 1) * 10);
    EXPECT_EQ(record.step->num_targets, 160u);
    EXPECT_EQ(record.step->tokens_seen, steps * 160);
    EXPECT_EQ(record.step->grain_losses.size(), 5u);
    if (steps == 1) first_loss = record.step->loss;
    last_loss = record.step->loss;
  }
  EXPECT_EQ(steps, 12u);
  EXPECT_NEAR(first_loss, 5.7, 0.1);  // ln 300: the model starts knowing nothing
  EXPECT_LT(last_loss, first_loss - 0.2);
  EXPECT_EQ(log.chain, whole_summary_.run_log);
}

TEST_F(Trainer, LogsTheStateDigestOfTheCheckpointOfTheSameStep) {
  const auto loaded = checkpoints::read_checkpoint(whole_ / "checkpoints" / "step-000008.h5");
  const Digest state = checkpoints::state_digest(8, loaded.layout, loaded.digests);
  const logs::RunLog log = logs::read_run_log(whole_ / "run.log");
  EXPECT_EQ(std::count_if(log.records.begin(), log.records.end(),
                          [&](const auto& record) { return record.step && record.step->state == state; }),
            1);
}

TEST_F(Trainer, GivesTheSameRootsAndLogWithAnyNumberOfThreads) {
  for (const int threads : {2, 3, 4}) {
    const auto folder = copy_of_data("threads");
    train_tiny(folder, threads, false);
    expect_whole(folder);
  }
}

TEST_F(Trainer, RefusesAFolderInWhichAnotherSessionTrains) {
  const auto folder = copy_of_data("in_use");
  const FolderLock other_session(folder);
  try {
    train_tiny(folder, 2, false);
    FAIL() << "trained beside another session";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(error.what()).find("is in use by another process"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "run.log"));
}

TEST_F(Trainer, GivesAnotherRootWithAnotherSeed) {
  const auto folder = copy_of_data("seed");
  const TrainSummary summary = train_tiny(folder, 2, false, tiny_config({"recipe.seed=12"}));
  EXPECT_NE(summary.final_root, whole_summary_.final_root);
}

TEST_F(Trainer, StopsOnASignalAndResumesToTheSameBits) {
  // The step that sees the stop is the one after: 1, scheduled; 5, not scheduled; 6, an anchor; 8, without moments; 11.
  for (const int stop_after : {0, 4, 5, 7, 10}) {
    const auto folder = copy_of_data("stopped");
    StopAt stop(stop_after, 15);
    const TrainSummary stopped = train_tiny(folder, 2, false, tiny_config(), &stop);
    EXPECT_EQ(stopped.stopped_by_signal, 15);
    EXPECT_EQ(stopped.last_step, static_cast<std::uint64_t>(stop_after) + 1);
    request_stop(0);
    const TrainSummary resumed = train_tiny(folder, 1, true);
    EXPECT_EQ(resumed.first_step, stopped.last_step);
    EXPECT_EQ(resumed.stopped_by_signal, 0);
    EXPECT_EQ(resumed.run_log, whole_summary_.run_log);
    expect_whole(folder);
  }
}

TEST_F(Trainer, FinishesWhenAStopComesInTheLastStep) {
  const auto folder = copy_of_data("last");
  StopAt stop(11, 2);
  EXPECT_EQ(train_tiny(folder, 1, false, tiny_config(), &stop).stopped_by_signal, 0);
  expect_whole(folder);
}

TEST_F(Trainer, ResumesFromTheRecoveryFileAlsoBehindALaterCheckpointWithoutMoments) {
  const auto folder = copy_of_data("recovery_kept");
  StopAt stop(6, 15);
  train_tiny(folder, 1, false, tiny_config(), &stop);
  request_stop(0);
  // The next session ends behind step 8, whose checkpoint has no moments, as a kill would end it: it saves nothing.
  TrainOptions options;
  options.run_dir = folder;
  options.resume = true;
  options.stop_after_step = 8;
  train(tiny_config(), options, *dist::make_local_communicator(), no_progress());
  EXPECT_TRUE(std::filesystem::exists(folder / "checkpoints" / "step-000008.h5"));
  EXPECT_TRUE(std::filesystem::exists(folder / "checkpoints" / "recovery-000007.h5"));
  EXPECT_EQ(train_tiny(folder, 1, true).first_step, 7u);
  expect_whole(folder);
}

TEST_F(Trainer, DeletesTheRecoveryFileAfterTheNextCheckpointWithMoments) {
  const auto folder = copy_of_data("recovery");
  StopAt stop(4, 2);
  train_tiny(folder, 1, false, tiny_config(), &stop);
  EXPECT_TRUE(std::filesystem::exists(folder / "checkpoints" / "recovery-000005.h5"));
  request_stop(0);
  train_tiny(folder, 1, true);
  EXPECT_FALSE(std::filesystem::exists(folder / "checkpoints" / "recovery-000005.h5"));
}

TEST_F(Trainer, GoesOnAfterAnyCheckpointThatIsLeft) {
  const auto folder = copy_of_whole("truncated");
  // As if killed: the last anchor is missing and the log has a torn tail.
  for (const char* name : {"step-000008.h5", "step-000009.h5", "step-000012.h5"}) {
    std::filesystem::remove(folder / "checkpoints" / name);
  }
  std::filesystem::resize_file(folder / "run.log", std::filesystem::file_size(folder / "run.log") - 7);
  EXPECT_EQ(train_tiny(folder, 2, true).first_step, 6u);
  expect_whole(folder);
}

TEST_F(Trainer, StartsAgainWhenKilledBeforeTheFirstCheckpoint) {
  const auto folder = copy_of_whole("early");
  // Its record is written before the file is complete; the record of the next one is not.
  cut_log_before_checkpoint(folder, 1);
  std::filesystem::remove_all(folder / "checkpoints");
  std::filesystem::create_directories(folder / "checkpoints");
  write_file_atomically(folder / "checkpoints" / "left", "");
  std::filesystem::rename(folder / "checkpoints" / "left", folder / "checkpoints" / ".step-000000.h5.partial");
  EXPECT_EQ(train_tiny(folder, 1, true).first_step, 0u);
  EXPECT_FALSE(std::filesystem::exists(folder / "checkpoints" / ".step-000000.h5.partial"));
  expect_whole(folder);
}

TEST_F(Trainer, StartsAgainBeforeTheFirstCheckpointWithALogThatIsDamagedBehindItsHeader) {
  const auto folder = copy_of_whole("early_damage");
  std::filesystem::remove_all(folder / "checkpoints");
  const std::uint64_t behind_header = logs::read_run_log(folder / "run.log").records.at(1).offset;
  std::filesystem::resize_file(folder / "run.log", behind_header);
  std::filesystem::resize_file(folder / "run.log", behind_header + 4096);  // zeros, as a loss of power leaves them
  EXPECT_EQ(train_tiny(folder, 1, true).first_step, 0u);
  expect_whole(folder);
}

TEST_F(Trainer, RefusesToStartAgainWhereTheLogRecordsCheckpointsThatAreMissing) {
  const auto folder = copy_of_whole("unmounted");
  std::filesystem::rename(folder / "checkpoints", folder / "elsewhere");
  const std::string log_before = read_file(folder / "run.log");
  const Error error = error_of([&] { train_tiny(folder, 1, true); });
  EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
  EXPECT_THAT(error.what(), HasSubstr("records checkpoints up to step 12"));
  EXPECT_THAT(error.hint(), HasSubstr("then `reprise train --resume " + folder.string()));
  EXPECT_TRUE(read_file(folder / "run.log") == log_before);
  std::filesystem::remove_all(folder / "checkpoints");
  std::filesystem::rename(folder / "elsewhere", folder / "checkpoints");
  EXPECT_EQ(train_tiny(folder, 1, true).first_step, 12u);
  expect_whole(folder);
}

TEST_F(Trainer, KeepsALogThatIsDamagedAlsoWhereNoCheckpointIsLeft) {
  const auto folder = copy_of_whole("damaged_log");
  std::filesystem::remove_all(folder / "checkpoints");
  std::string bytes = read_file(folder / "run.log");
  bytes[20] ^= 1;  // inside the header
  write_file_atomically(folder / "run.log", bytes);
  EXPECT_EQ(error_of([&] { train_tiny(folder, 1, true); }).kind(), ErrorKind::kCorrupt);
  EXPECT_TRUE(read_file(folder / "run.log") == bytes);
}

TEST_F(Trainer, WritesTheCheckpointRecordThatAKillLeftOut) {
  const auto folder = copy_of_whole("record");
  const logs::RunLog log = logs::read_run_log(folder / "run.log");
  ASSERT_TRUE(log.records.back().checkpoint.has_value());
  std::filesystem::resize_file(folder / "run.log", log.records.back().offset);
  const TrainSummary summary = train_tiny(folder, 1, true);
  EXPECT_EQ(summary.first_step, 12u);
  EXPECT_EQ(summary.final_root, whole_summary_.final_root);
  expect_whole(folder);
}

TEST_F(Trainer, ChangesNothingWhenAFinishedRunIsResumed) {
  const auto folder = copy_of_whole("finished");
  EXPECT_EQ(train_tiny(folder, 3, true).run_log, whole_summary_.run_log);
  expect_whole(folder);
}

TEST_F(Trainer, RefusesAFolderThatHoldsARun) {
  const Error error = error_of([] { train_tiny(whole_, 1, false); });
  EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
  EXPECT_THAT(error.what(), HasSubstr("already holds a run"));
  EXPECT_THAT(error.hint(), HasSubstr("--resume"));
}

TEST_F(Trainer, RefusesToResumeWithAnotherRecipeAndNamesTheField) {
  const auto folder = copy_of_whole("recipe");
  const std::string log_before = read_file(folder / "run.log");
  const Error error = error_of([&] { train_tiny(folder, 1, true, tiny_config({"train.clip_norm=0.5"})); });
  EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
  EXPECT_THAT(error.what(), HasSubstr("recipe.train.clip_norm: 1 -> 0.5"));
  EXPECT_TRUE(read_file(folder / "run.log") == log_before);
}

TEST_F(Trainer, RefusesAnotherTokenizerThanTheShardsWereMadeWith) {
  for (const bool resume : {false, true}) {
    const auto folder = resume ? copy_of_whole("tokenizer") : copy_of_data("tokenizer");
    const auto path = folder / "tokenizer" / "tokenizer.json";
    write_file_atomically(path, read_file(path) + "\n");  // the same tokens, other bytes
    const Error error = error_of([&] { train_tiny(folder, 1, resume); });
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), HasSubstr("the shards were made with"));
    EXPECT_EQ(std::filesystem::exists(folder / "run.log"), resume);
  }
}

TEST_F(Trainer, RefusesToResumeWhereNothingIs) {
  const auto folder = copy_of_data("nothing");
  const Error error = error_of([&] { train_tiny(folder, 1, true); });
  EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
  EXPECT_THAT(error.what(), HasSubstr("holds no run to resume"));
}

TEST_F(Trainer, AsksForShardsAndTokenizer) {
  const Error error = error_of([&] { train_tiny(scratch() / "empty", 1, false); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.hint(), HasSubstr("reprise data build"));
}

TEST_F(Trainer, RefusesAScheduledCheckpointThatComesOutDifferently) {
  const auto folder = copy_of_whole("different");
  const auto other = copy_of_data("other");
  train_tiny(other, 1, false, tiny_config({"recipe.seed=12"}));
  std::filesystem::remove(folder / "checkpoints" / "step-000012.h5");
  std::filesystem::copy_file(other / "checkpoints" / "step-000008.h5", folder / "checkpoints" / "step-000008.h5",
                             std::filesystem::copy_options::overwrite_existing);
  const Error error = error_of([&] { train_tiny(folder, 1, true); });
  EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
  EXPECT_THAT(error.what(), HasSubstr("step 8 came out differently"));
}

TEST_F(Trainer, ReplacesADamagedScheduledCheckpointOnTheWay) {
  const auto folder = copy_of_whole("damaged");
  std::filesystem::remove(folder / "checkpoints" / "step-000012.h5");
  std::filesystem::resize_file(folder / "checkpoints" / "step-000008.h5", 1000);
  train_tiny(folder, 1, true);
  expect_whole(folder);
}

TEST_F(Trainer, SaysWhichDamagedCheckpointsAResumePassesOver) {
  const auto folder = copy_of_whole("passed_over");
  std::filesystem::resize_file(folder / "checkpoints" / "step-000012.h5", 1000);
  testing::internal::CaptureStderr();
  EXPECT_EQ(train_tiny(folder, 1, true).first_step, 6u);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("step-000012.h5"));
  expect_whole(folder);
}

TEST_F(Trainer, NamesStepTensorAndDocumentsWhenTrainingDiverges) {
  const auto folder = copy_of_data("diverged");
  const configs::RunConfig config =
      tiny_config({"train.learning_rate.peak=1e38", "train.learning_rate.warmup_steps=0"});
  const Error error = error_of([&] { train_tiny(folder, 2, false, config); });
  EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
  EXPECT_THAT(error.what(), HasSubstr("is not finite at step"));
  EXPECT_THAT(error.what(), HasSubstr("document-0"));
}

TEST_F(Trainer, WritesWhoRanWhatToTheSessionLog) {
  const auto events = logs::read_session_log(whole_ / "session.log");
  ASSERT_GE(events.size(), 4u);
  EXPECT_EQ(events[0].kind, logs::SessionEvent::Kind::kStart);
  EXPECT_EQ(events[0].facts.at("command_line"), "train_tiny");
  EXPECT_EQ(events[0].facts.at("version"), "1.2.3");
  EXPECT_EQ(events[0].facts.at("commit"), "abc");
  EXPECT_EQ(events[1].kind, logs::SessionEvent::Kind::kRank);
  EXPECT_EQ(events[1].figures.at("num_grains"), 5);
  EXPECT_EQ(events[1].figures.at("first_grain"), 0);
  EXPECT_EQ(events.back().kind, logs::SessionEvent::Kind::kEnd);
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const auto& e) { return e.kind == logs::SessionEvent::Kind::kCheckpoint; }),
            9);
}

TEST_F(Trainer, WritesTheRecipeThatItsOwnResumeReads) {
  EXPECT_THAT(read_file(whole_ / "recipe.pbtxt"), HasSubstr("tiny_test"));
  EXPECT_EQ(logs::read_run_log(whole_ / "run.log").records.front().header->recipe_text,
            read_file(whole_ / "recipe.pbtxt"));
}

}  // namespace
}  // namespace reprise::train
