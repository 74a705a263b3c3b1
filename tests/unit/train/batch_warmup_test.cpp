// [C-45]: runs whose first steps have smaller batches.

#include <gtest/gtest.h>
#include <unistd.h>

#include "reprise/configs/config.h"
#include "reprise/core/files.h"
#include "reprise/core/stop.h"
#include "reprise/data_pipeline/reading_order.h"
#include "reprise/dist/local_group.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/materialize.h"
#include "tiny_run_fixture.h"

namespace reprise::train {
namespace {

class BatchWarmUp : public TinyRunTest {
 protected:
  static void SetUpTestSuite() { make_whole_run("batch_warmup", config()); }
  static void TearDownTestSuite() { remove_runs(); }

  /// Three steps of 2 sequences, four of 6, then steps of 10; two sequences are a grain.
  static configs::RunConfig config() {
    configs::RunConfig config = tiny_config();
    configs::TrainRecipe& train = *config.mutable_recipe()->mutable_train();
    configs::BatchSize& first = *train.add_batch_warmup();
    first.set_sequences(2);
    first.set_steps(3);
    configs::BatchSize& second = *train.add_batch_warmup();
    second.set_sequences(6);
    second.set_tokens(350);
    return config;
  }
};

TEST_F(BatchWarmUp, StepsReadSequencesOneBehindAnother) {
  std::vector<std::uint64_t> sizes;
  std::uint64_t next = 0;
  for (const logs::StepRecord& step : steps()) {
    EXPECT_EQ(step.first_sample, next);
    next += step.num_samples;
    sizes.push_back(step.num_samples);
    EXPECT_EQ(step.num_targets, step.num_samples * 16);
    EXPECT_EQ(step.tokens_seen, next * 16);
    EXPECT_EQ(step.grain_losses.size(), step.num_samples / 2);
  }
  EXPECT_EQ(sizes, (std::vector<std::uint64_t>{2, 2, 2, 6, 6, 6, 6, 10, 10, 10, 10, 10}));
}

TEST_F(BatchWarmUp, TheLogSaysWhatFollowsFromTheRecipe) { expect_log_of_recipe(); }

TEST_F(BatchWarmUp, ABatchOfTheWarmUpIsThatOfARunOfSuchBatches) {
  // The first step is that of a run in which every batch has 2 sequences: weights do not know what comes later.
  const auto folder = new_run("small");
  train_tiny(folder, 1, false, tiny_config({"train.batch_sequences=2"}));
  std::vector<Digest> states;
  for (const logs::RunRecord& record : logs::read_run_log(folder / "run.log").records) {
    if (record.step) states.push_back(record.step->state);
  }
  const std::vector<logs::StepRecord> warm = steps();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(warm[i].state, states[i]) << "step " << i + 1;
  EXPECT_NE(warm[3].state, states[3]);
}

TEST_F(BatchWarmUp, GivesTheSameBitsOnAnyNumberOfRanks) {
  for (const int ranks : {2, 3, 4}) {  // the first steps have one grain: other ranks have none
    const auto folder = new_run("ranks");
    train_on_ranks(folder, ranks, false);
    expect_whole(folder);
  }
}

TEST_F(BatchWarmUp, GivesTheSameBitsAfterAStopInsideOrAtABorderAndAResumeOnOtherRanks) {
  for (const int stop_after : {0, 1, 2, 3, 5, 6, 7, 9}) {
    const auto folder = new_run("stopped");
    StopAt stop(stop_after, 15);
    train_on_ranks(folder, 1 + stop_after % 3, false, &stop);
    request_stop(0);
    train_on_ranks(folder, 1 + (stop_after + 1) % 3, true);
    expect_whole(folder);
  }
}

TEST_F(BatchWarmUp, ReplaysAnyStep) {
  const std::vector<logs::StepRecord> all = steps();
  for (const std::uint64_t step : {2, 5, 7, 8, 11}) {
    MaterializeOptions options;
    options.run_dir = whole_run();
    options.step = step;
    options.out = scratch() / "replayed.h5";
    EXPECT_EQ(materialize(options, no_progress()).state, all[step - 1].state) << step;
  }
}

TEST_F(BatchWarmUp, IsWhatTheReadingOrderSays) {
  const data::TokenSet tokens = data::TokenSet::open(whole_run() / "shards", "train");
  const data::ReadingOrder order(tokens, configs::resolve(config()).recipe());
  for (const logs::StepRecord& step : steps()) {
    const std::vector<data::SampleContent> batch = order.batch(step.step);
    ASSERT_EQ(batch.size(), step.num_samples);
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      EXPECT_EQ(batch[i].sample, i);
      EXPECT_EQ(batch[i].place.sequence, order.content(step.first_sample + i).place.sequence);
    }
  }
  // Both ways: a document's visits name steps that read it.
  for (const data::Visit& visit : order.visits(0)) {
    const data::SampleContent content = order.batch(visit.step, visit.content.sample).front();
    EXPECT_EQ(content.place.sequence, visit.content.place.sequence);
  }
}

}  // namespace
}  // namespace reprise::train
