#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/train/trainer.h"

namespace reprise::train {
namespace {

configs::TrainRecipe recipe_of(std::uint32_t num_steps, std::uint32_t warmup, std::uint32_t interval = 4,
                               std::uint32_t anchor_interval = 24) {
  configs::TrainRecipe recipe;
  recipe.set_num_steps(num_steps);
  recipe.mutable_learning_rate()->set_peak(4e-3);
  recipe.mutable_learning_rate()->set_warmup_steps(warmup);
  recipe.mutable_learning_rate()->set_final_fraction(0.1);
  recipe.mutable_checkpoints()->set_interval(interval);
  recipe.mutable_checkpoints()->set_anchor_interval(anchor_interval);
  return recipe;
}

// Known answers of Python 3.11: numpy.float32(peak * s / warmup), and numpy.float32(peak * (f + (1 - f) * (0.5 * (1 +
// math.cos(math.pi * (s - warmup) / (steps - warmup)))))).
TEST(LearningRate, WarmsUpAndFollowsTheCosine) {
  const configs::TrainRecipe recipe = recipe_of(600, 40);
  const std::vector<std::pair<std::uint64_t, std::uint32_t>> known = {
      {1, 0x38d1b717},   {7, 0x3a378034},   {40, 0x3b83126f},  {41, 0x3b831232},
      {100, 0x3b7f8633}, {320, 0x3b102de0}, {599, 0x39d1bae5}, {600, 0x39d1b717}};
  for (const auto& [step, bits] : known) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(learning_rate(recipe, step)), bits) << "step " << step;
  }
}

TEST(LearningRate, StartsOnTheCosineWithoutWarmUp) {
  const configs::TrainRecipe recipe = recipe_of(10, 0);
  EXPECT_LT(learning_rate(recipe, 1), 4e-3f);
  EXPECT_GT(learning_rate(recipe, 1), 3.8e-3f);
  EXPECT_EQ(learning_rate(recipe, 10), 4e-4f);
}

TEST(LearningRate, NeverRisesAfterTheWarmUp) {
  const configs::TrainRecipe recipe = recipe_of(500, 25);
  for (std::uint64_t step = 26; step <= 500; ++step) {
    EXPECT_LE(learning_rate(recipe, step), learning_rate(recipe, step - 1)) << "step " << step;
  }
}

using KnownRates = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

void expect_rates(const configs::TrainRecipe& recipe, const KnownRates& known) {
  for (const auto& [step, bits] : known) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(learning_rate(recipe, step)), bits) << "step " << step;
  }
}

// Known answers of Python 3.11 and numpy 2, from the formulas of [C-23] written out in binary64.
TEST(LearningRate, FallsOnALine) {
  configs::TrainRecipe recipe = recipe_of(600, 40);
  recipe.mutable_learning_rate()->set_shape("linear");
  expect_rates(recipe, {{40, 0x3b83126f}, {41, 0x3b82dc81}, {100, 0x3b6cdda7}, {321, 0x3b0fc206}, {600, 0x39d1b717}});
}

TEST(LearningRate, StaysAndThenDecaysInWsd) {
  configs::TrainRecipe recipe = recipe_of(600, 40);
  recipe.mutable_learning_rate()->set_shape("wsd");
  recipe.mutable_learning_rate()->set_decay_steps(100);
  expect_rates(recipe, {{41, 0x3b83126f}, {500, 0x3b83126f}, {501, 0x3b81e471}, {550, 0x3b102de0}, {600, 0x39d1b717}});
  recipe.mutable_learning_rate()->set_decay("one_minus_sqrt");
  expect_rates(recipe, {{500, 0x3b83126f}, {501, 0x3b6e8d11}, {550, 0x3abea217}, {600, 0x39d1b717}});
}

TEST(LearningRate, FallsWithTheRootOfTheStep) {
  configs::TrainRecipe recipe = recipe_of(1000, 40);
  recipe.mutable_learning_rate()->set_shape("inverse_sqrt");
  expect_rates(recipe, {{40, 0x3b83126f}, {41, 0x3b8176b5}, {160, 0x3b03126f}, {601, 0x3a874206}});
}

TEST(LearningRate, StaysAtThePeak) {
  configs::TrainRecipe recipe = recipe_of(600, 40);
  recipe.mutable_learning_rate()->set_shape("constant");
  expect_rates(recipe, {{41, 0x3b83126f}, {600, 0x3b83126f}});
}

TEST(LearningRate, TakesTheWarmUpInTokensAsWholeSteps) {
  configs::TrainRecipe recipe = recipe_of(600, 0);
  recipe.mutable_learning_rate()->clear_warmup_steps();
  recipe.set_batch_sequences(16);
  recipe.set_sequence_length(256);
  recipe.mutable_learning_rate()->set_warmup_tokens(40 * 16 * 256 - 1);
  EXPECT_EQ(warmup_steps(recipe), 40u);
  expect_rates(recipe, {{7, 0x3a378034}, {40, 0x3b83126f}, {320, 0x3b102de0}});
}

TEST(LearningRate, BeginsBehindTheStartStepAsBehindStepZero) {
  for (const char* shape : {"cosine", "linear", "constant", "wsd", "inverse_sqrt"}) {
    configs::TrainRecipe fresh = recipe_of(600, 40);
    fresh.mutable_learning_rate()->set_shape(shape);
    fresh.mutable_learning_rate()->set_decay_steps(100);
    configs::TrainRecipe behind = fresh;
    behind.set_num_steps(1000 + 600);
    behind.mutable_learning_rate()->set_start_step(1000);
    for (std::uint64_t step = 1; step <= 600; ++step) {
      ASSERT_EQ(learning_rate(behind, 1000 + step), learning_rate(fresh, step)) << shape << ", step " << step;
    }
  }
}

TEST(LearningRate, BehindAStartStepTakesTheShapeOfShapeSteps) {
  configs::TrainRecipe whole = recipe_of(600, 40);
  configs::TrainRecipe behind = recipe_of(1300, 40);
  behind.mutable_learning_rate()->set_start_step(1000);
  behind.mutable_learning_rate()->set_shape_steps(600);
  for (std::uint64_t step = 1; step <= 300; ++step) {
    ASSERT_EQ(learning_rate(behind, 1000 + step), learning_rate(whole, step)) << "step " << step;
  }
}

TEST(LearningRate, OfACutRunIsThatOfTheWholeOne) {
  configs::TrainRecipe cut = recipe_of(300, 40);
  cut.mutable_learning_rate()->set_shape_steps(600);
  for (std::uint64_t step = 1; step <= 300; ++step) {
    EXPECT_EQ(learning_rate(cut, step), learning_rate(recipe_of(600, 40), step)) << "step " << step;
  }
}

TEST(LearningRate, StaysAtItsLastValueBehindTheShape) {
  configs::TrainRecipe recipe = recipe_of(800, 40);
  recipe.mutable_learning_rate()->set_shape_steps(600);
  expect_rates(recipe, {{599, 0x39d1bae5}, {600, 0x39d1b717}, {601, 0x39d1b717}, {800, 0x39d1b717}});
}

TEST(CheckpointSteps, ArePowersOfTwoMultiplesOfTheIntervalAndTheLastStep) {
  const std::vector<std::uint64_t> expected = {0, 1, 2, 4, 6, 8, 12, 16, 18, 20};
  EXPECT_EQ(configs::checkpoint_steps(recipe_of(20, 0, 6)), expected);
}

TEST(CheckpointSteps, OfThePublishedScheduleAreMoreThanTwoHundred) {
  const std::vector<std::uint64_t> steps = configs::checkpoint_steps(recipe_of(600, 40, 3));
  EXPECT_EQ(steps.size(), 211u);  // 0, ten powers of two up to 512, 200 multiples of 3
  EXPECT_EQ(steps.back(), 600u);
}

TEST(CheckpointSteps, HoldTheLastStepEvenWhenNothingElseFallsOnIt) {
  EXPECT_EQ(configs::checkpoint_steps(recipe_of(7, 0, 100)), (std::vector<std::uint64_t>{0, 1, 2, 4, 7}));
}

TEST(CheckpointSteps, CanHaveSeveralForEachDoubling) {
  configs::TrainRecipe recipe = recipe_of(64, 0, 1000);
  recipe.mutable_checkpoints()->set_per_doubling(3);
  // Largest n with n^3 <= 2^k, k = 0 to 18.
  EXPECT_EQ(configs::checkpoint_steps(recipe),
            (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 40, 50, 64}));
  recipe.mutable_checkpoints()->set_per_doubling(0);
  EXPECT_EQ(configs::checkpoint_steps(recipe), (std::vector<std::uint64_t>{0, 64}));
}

TEST(CheckpointSteps, ReachTheLargestStepsWithoutOverflow) {
  for (std::uint32_t per_doubling = 1; per_doubling <= 4; ++per_doubling) {
    configs::TrainRecipe recipe = recipe_of(4294967295u, 0, 4294967295u);
    recipe.mutable_checkpoints()->set_per_doubling(per_doubling);
    const std::vector<std::uint64_t> steps = configs::checkpoint_steps(recipe);
    EXPECT_TRUE(std::find(steps.begin(), steps.end(), 2147483648u) != steps.end()) << per_doubling;
  }
}

TEST(CheckpointSteps, HoldTheListedOnes) {
  configs::TrainRecipe recipe = recipe_of(20, 0, 100);
  recipe.mutable_checkpoints()->set_per_doubling(0);
  for (const std::uint32_t step : {13u, 7u, 13u}) recipe.mutable_checkpoints()->add_step(step);
  EXPECT_EQ(configs::checkpoint_steps(recipe), (std::vector<std::uint64_t>{0, 7, 13, 20}));
}

TEST(CheckpointSteps, HoldTheFirstBehindEachMultipleOfTokens) {
  configs::TrainRecipe recipe = recipe_of(20, 0, 100);
  recipe.set_batch_sequences(2);
  recipe.set_sequence_length(50);
  recipe.mutable_checkpoints()->set_per_doubling(0);
  recipe.mutable_checkpoints()->set_interval_tokens(250);  // 2.5 steps
  EXPECT_EQ(configs::checkpoint_steps(recipe), (std::vector<std::uint64_t>{0, 3, 5, 8, 10, 13, 15, 18, 20}));
}

TEST(CheckpointSteps, CostNothingForMultiplesOfTokensThatFallIntoOneStep) {
  configs::TrainRecipe recipe = recipe_of(3, 0, 100);
  recipe.set_batch_sequences(1u << 20);
  recipe.set_sequence_length(1u << 17);
  recipe.mutable_checkpoints()->set_per_doubling(0);
  recipe.mutable_checkpoints()->set_interval_tokens(1);
  EXPECT_EQ(configs::checkpoint_steps(recipe), (std::vector<std::uint64_t>{0, 1, 2, 3}));
}

TEST(CheckpointSteps, AreNoMoreThanTheirBound) {
  for (const std::uint64_t tokens : {0, 1, 99, 250, 1000, 1000000}) {
    for (const std::uint32_t interval : {1u, 7u, 100u}) {
      configs::TrainRecipe recipe = recipe_of(90, 0, interval);
      recipe.set_batch_sequences(2);
      recipe.set_sequence_length(50);
      recipe.mutable_checkpoints()->set_interval_tokens(tokens);
      recipe.mutable_checkpoints()->add_step(13);
      EXPECT_LE(configs::checkpoint_steps(recipe).size(), configs::most_checkpoint_steps(recipe));
    }
  }
  configs::TrainRecipe recipe = recipe_of(4294967295u, 0, 4);
  EXPECT_GE(configs::most_checkpoint_steps(recipe), 4294967295u / 4);
  recipe.mutable_checkpoints()->set_interval_tokens(1);
  EXPECT_GE(configs::most_checkpoint_steps(recipe), 4294967295u);
}

TEST(Anchors, AreStepZeroMultiplesOfTheAnchorIntervalAndTheLastStep) {
  const configs::TrainRecipe recipe = recipe_of(50, 0, 4, 24);
  std::vector<std::uint64_t> anchors;
  for (std::uint64_t step = 0; step <= 50; ++step) {
    if (configs::is_anchor(recipe, step)) anchors.push_back(step);
  }
  EXPECT_EQ(anchors, (std::vector<std::uint64_t>{0, 24, 48, 50}));
}

/// Steps of 10 tokens, the first four of 4.
configs::TrainRecipe warm_batches(std::uint32_t num_steps) {
  configs::TrainRecipe recipe = recipe_of(num_steps, 0, num_steps, num_steps);
  recipe.mutable_learning_rate()->clear_warmup_steps();
  recipe.set_sequence_length(2);
  recipe.set_batch_sequences(5);
  recipe.set_grain_sequences(1);
  configs::BatchSize& size = *recipe.add_batch_warmup();
  size.set_sequences(2);
  size.set_steps(4);
  return recipe;
}

TEST(LearningRate, CountsTheSmallBatchesOfAWarmUpInTokens) {
  configs::TrainRecipe recipe = warm_batches(100);
  for (const auto& [tokens, steps] : {std::pair{1, 1}, {4, 1}, {5, 2}, {16, 4}, {17, 5}, {26, 5}, {27, 6}}) {
    recipe.mutable_learning_rate()->set_warmup_tokens(static_cast<std::uint64_t>(tokens));
    EXPECT_EQ(warmup_steps(recipe), static_cast<std::uint64_t>(steps)) << tokens << " tokens";
  }
  recipe.mutable_learning_rate()->set_warmup_tokens(17);
  recipe.mutable_learning_rate()->set_start_step(3);  // one small batch, then large ones
  EXPECT_EQ(warmup_steps(recipe), 3u);
}

TEST(CheckpointSteps, AtIntervalsOfTokensCountTheSmallBatches) {
  configs::TrainRecipe recipe = warm_batches(8);
  recipe.mutable_checkpoints()->set_per_doubling(0);
  recipe.mutable_checkpoints()->set_interval_tokens(10);
  // Tokens behind the steps: 4, 8, 12, 16, 26, 36, 46, 56.
  EXPECT_EQ(configs::checkpoint_steps(recipe), (std::vector<std::uint64_t>{0, 3, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace reprise::train
