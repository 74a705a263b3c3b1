// Checkpoints that a replay makes, of runs that were stopped on the way.

#include <gtest/gtest.h>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/progress.h"
#include "reprise/core/stop.h"
#include "reprise/dist/communicator.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/fork.h"
#include "reprise/train/log_check.h"
#include "reprise/train/materialize.h"
#include "tiny_run_fixture.h"

namespace reprise::train {
namespace {

class Replay : public TinyRunTest {
 protected:
  static void SetUpTestSuite() { make_whole_run("replay", tiny_config()); }
  static void TearDownTestSuite() { remove_runs(); }

  /// A run that a signal ended behind `step`, with a recovery file of it.
  static std::filesystem::path run_stopped_behind(std::uint64_t step, const std::string& name) {
    const std::filesystem::path folder = new_run(name);
    StopAt stop(static_cast<std::int64_t>(step) - 1, 15);
    EXPECT_EQ(train_tiny(folder, 1, false, tiny_config(), &stop).last_step, step);
    request_stop(0);
    return folder;
  }
  /// The root that run.log holds of the checkpoint of `step`.
  static std::string logged_root(const std::filesystem::path& folder, std::uint64_t step) {
    for (const logs::RunRecord& record : logs::read_run_log(folder / "run.log").records) {
      if (record.checkpoint && record.checkpoint->step == step) return record.checkpoint->root.hex();
    }
    return "none";
  }
  static Materialized make(const std::filesystem::path& run, std::uint64_t step) {
    MaterializeOptions options;
    options.run_dir = run;
    options.step = step;
    options.out = scratch() / "made.h5";
    return materialize(options, no_progress());
  }
};

// Step 8 is scheduled and stores no moments.
TEST_F(Replay, GivesAScheduledStepItsLoggedRootAlsoWhereTheRunWasStoppedThere) {
  const auto folder = run_stopped_behind(8, "stopped");
  ASSERT_TRUE(std::filesystem::exists(folder / "checkpoints" / "recovery-000008.h5"));
  const Materialized made = make(folder, 8);
  EXPECT_EQ(made.root.hex(), logged_root(folder, 8));
  EXPECT_EQ(made.from, "step-000006.h5");
}

TEST_F(Replay, BeginsWithTheRecoveryFileOfAStepThatIsNotScheduled) {
  const auto folder = run_stopped_behind(5, "between");
  const Materialized made = make(folder, 5);
  EXPECT_EQ(made.from, "recovery-000005.h5");
  EXPECT_EQ(made.root.hex(), make(whole_run(), 5).root.hex());
}

TEST_F(Replay, BeginsWithTheRunWhereNoCheckpointBeforeTheStepIsLeft) {
  const auto folder = copy_of_run(whole_run(), "without_first");
  std::filesystem::remove(folder / "checkpoints" / "step-000000.h5");
  EXPECT_EQ(make(folder, 2).root.hex(), logged_root(folder, 2));
}

TEST_F(Replay, TakesALogWithZerosBehindItsRecordsAndNamesDamageThatHidesTheStep) {
  const auto folder = copy_of_run(whole_run(), "damaged_log");
  const auto log = folder / "run.log";
  const std::string whole = read_file(log);
  write_file_atomically(log, whole + std::string(300, '\0'));
  EXPECT_EQ(make(folder, 2).root.hex(), logged_root(whole_run(), 2));
  write_file_atomically(log, whole.substr(0, whole.size() / 2) + std::string(3000, '\0'));
  try {
    make(folder, 8);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCorrupt) << error.what();
    EXPECT_NE(error.hint().find("train --resume"), std::string::npos) << error.hint();
  }
}

TEST_F(Replay, MakesAForkFromAScheduledStepAtWhichTheParentWasStopped) {
  ForkOptions options;
  options.parent = run_stopped_behind(8, "parent");
  options.step = 8;
  options.child = scratch() / "child";
  const configs::RunConfig planned = plan_fork(options);
  const auto communicator = dist::make_local_communicator();
  const ForkResult fork = prepare_fork(options, planned, 1, *communicator, no_progress());
  EXPECT_EQ(fork.config.recipe().parent().root(), logged_root(options.parent, 8));
  const checkpoints::Header at_start = StepCheck(options.child, configs::resolve(fork.config).recipe()).header();
  EXPECT_EQ(at_start.next_sample, 80u);
  EXPECT_EQ(at_start.tokens_seen, 1280u);
  EXPECT_EQ(at_start.adam_step, 8u);
}

TEST_F(Replay, RefusesAForkWhoseConfigNamesAnotherParentThanTheFlag) {
  ForkOptions options;
  options.parent = whole_run();
  options.step = 8;
  options.child = scratch() / "contradicted";
  const configs::Parent lineage = plan_fork(options).recipe().parent();
  options.overrides = {"parent.run=foo", "parent.step=3", "parent.root=zz"};
  try {
    plan_fork(options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    const std::string text = error.what();
    EXPECT_NE(text.find("parent.run: \"foo\", where --from fills in"), std::string::npos) << text;
    EXPECT_NE(text.find("parent.step: 3, where --from fills in 8"), std::string::npos) << text;
    EXPECT_NE(text.find("parent.root: \"zz\", where --from fills in"), std::string::npos) << text;
  }
  options.overrides = {"parent.run=" + lineage.run(), "parent.step=8", "parent.root=" + lineage.root()};
  EXPECT_EQ(plan_fork(options).recipe().parent().root(), lineage.root());
}

TEST_F(Replay, SaysOfTheRunItselfThatItsLogHoldsAnotherRecord) {
  const auto folder = copy_of_run(whole_run(), "another_record");
  logs::RunLog log = logs::read_run_log(folder / "run.log");
  std::filesystem::remove(folder / "run.log");
  auto writer = logs::RunLogWriter::create(folder / "run.log", *log.records.front().header);
  for (logs::RunRecord& record : log.records) {
    if (record.step && record.step->step == 7) record.step->loss += 1;
    if (record.step) writer.append(*record.step);
    if (record.checkpoint) writer.append(*record.checkpoint);
  }
  try {
    make(folder, 8);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint) << error.what();
    EXPECT_NE(std::string(error.what()).find((folder / "run.log").string()), std::string::npos) << error.what();
    EXPECT_EQ(error.formatted().find("made.h5"), std::string::npos) << error.formatted();
  }
}

}  // namespace
}  // namespace reprise::train
