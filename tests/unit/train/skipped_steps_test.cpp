// [C-43]: steps that are left out, in whole runs on several ranks, with stops and resumes across them.

#include <gtest/gtest.h>
#include <unistd.h>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/stop.h"
#include "reprise/dist/local_group.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/log_check.h"
#include "reprise/train/materialize.h"
#include "tiny_run_fixture.h"

namespace reprise::train {
namespace {

class SkippedSteps : public TinyRunTest {
 protected:
  static void SetUpTestSuite() { make_whole_run("skipped", config()); }
  static void TearDownTestSuite() { remove_runs(); }

  /// A deviation so small that the loss or the norm of every few steps is above it.
  static configs::RunConfig config() {
    return tiny_config({"train.spike_skipping.window=4", "train.spike_skipping.sigma=0.05"});
  }
};

TEST_F(SkippedSteps, AreSaidWithTheirReasonInTheLog) {
  int skipped = 0;
  for (const logs::StepRecord& step : steps()) {
    if (!step.skipped) continue;
    ++skipped;
    EXPECT_GT(step.loss, step.skipped->loss_limit.value_or(0)) << step.step;
    EXPECT_GT(step.gradient_norm, step.skipped->gradient_norm_limit.value_or(0)) << step.step;
    EXPECT_TRUE(step.skipped->loss_limit || step.skipped->gradient_norm_limit);
  }
  EXPECT_GE(skipped, 2);
  EXPECT_LE(skipped, 8);
}

TEST_F(SkippedSteps, DoNotCountAsUpdatesButReadTheirData) {
  std::uint64_t updates = 0;
  for (const logs::StepRecord& step : steps()) {
    updates += step.skipped ? 0 : 1;
    EXPECT_EQ(step.first_sample, (step.step - 1) * 10);
    EXPECT_EQ(step.tokens_seen, step.step * 160);
  }
  const auto last = checkpoints::read_checkpoint(whole_run() / "checkpoints" / "step-000012.h5").info.header;
  EXPECT_EQ(last.step, 12u);
  EXPECT_EQ(last.adam_step, updates);
  double power = 1;
  for (std::uint64_t i = 0; i < updates; ++i) power *= 0.9;
  EXPECT_EQ(last.beta1_power, power);
  EXPECT_EQ(last.next_sample, 120u);
}

TEST_F(SkippedSteps, FollowFromTheValuesInTheLog) {
  expect_log_of_recipe();
  StepCheck check(whole_run(), configs::resolve(config()).recipe());
  for (const logs::StepRecord& step : steps()) {
    logs::StepRecord other = step;
    if (step.skipped) {
      other.skipped.reset();
      EXPECT_THROW(check.check(other), Error) << step.step;
      other.skipped.emplace().loss_limit = 1;
    } else {
      other.skipped.emplace().gradient_norm_limit = 0;
    }
    EXPECT_THROW(check.check(other), Error) << step.step;
    check.pass(step);
  }
}

TEST_F(SkippedSteps, LeaveWeightsAndMomentsAsTheyWere) {
  const std::vector<logs::StepRecord> all = steps();
  int compared = 0;
  // Every step's state by replay: tensors of a step that was left out are those of the step before.
  for (const logs::StepRecord& step : all) {
    if (!step.skipped || compared == 2) continue;
    ++compared;
    std::vector<checkpoints::LoadedCheckpoint> states;
    for (const std::uint64_t at : {step.step - 1, step.step}) {
      MaterializeOptions options;
      options.run_dir = whole_run();
      options.step = at;
      options.out = scratch() / fmt::format("step-{}.h5", at);
      EXPECT_EQ(materialize(options, no_progress()).state, all[at - 1].state);
      states.push_back(checkpoints::read_checkpoint(options.out));
    }
    EXPECT_EQ(states[0].weights, states[1].weights) << step.step;
    EXPECT_EQ(states[0].first_moments, states[1].first_moments);
    EXPECT_EQ(states[0].second_moments, states[1].second_moments);
    EXPECT_NE(all[step.step - 2].state, step.state);  // the digest has the step in it
  }
  EXPECT_EQ(compared, 2);
}

TEST_F(SkippedSteps, AreTheSameOnAnyNumberOfRanks) {
  for (const int ranks : {2, 3}) {
    const auto folder = new_run("ranks");
    train_on_ranks(folder, ranks, false);
    expect_whole(folder);
  }
}

TEST_F(SkippedSteps, AreTheSameAfterAStopAtAnyStepAndAResumeOnOtherRanks) {
  for (int stop_after = 1; stop_after <= 10; ++stop_after) {
    const auto folder = new_run("stopped");
    StopAt stop(stop_after, 15);
    train_on_ranks(folder, 1 + stop_after % 3, false, &stop);
    request_stop(0);
    train_on_ranks(folder, 1 + (stop_after + 1) % 3, true);
    expect_whole(folder);
  }
}

TEST_F(SkippedSteps, AreTheSameWhenTheLogGoesBeyondTheCheckpointThatIsLeft) {
  const auto folder = copy_of_run(whole_run(), "cut");
  // As if killed: the last checkpoints are missing, the log is whole but for its last bytes.
  for (const char* name : {"step-000008.h5", "step-000009.h5", "step-000012.h5"}) {
    std::filesystem::remove(folder / "checkpoints" / name);
  }
  std::filesystem::resize_file(folder / "run.log", std::filesystem::file_size(folder / "run.log") - 7);
  train_on_ranks(folder, 2, true);
  expect_whole(folder);
}

TEST_F(SkippedSteps, DoNotOccurInARunWhoseValuesStayBelowTheLimits) {
  const auto with = new_run("with");
  const auto without = new_run("without");
  train_tiny(with, 1, false, tiny_config({"train.spike_skipping.sigma=6"}));
  train_tiny(without, 1, false);
  const auto states = [](const std::filesystem::path& folder) {
    std::vector<Digest> digests;
    for (const logs::RunRecord& record : logs::read_run_log(folder / "run.log").records) {
      if (record.step) digests.push_back(record.step->state);
    }
    return digests;
  };
  EXPECT_EQ(states(with), states(without));
}

}  // namespace
}  // namespace reprise::train
