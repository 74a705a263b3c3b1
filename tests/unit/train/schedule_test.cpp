#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <vector>

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

TEST(CheckpointSteps, ArePowersOfTwoMultiplesOfTheIntervalAndTheLastStep) {
  const std::vector<std::uint64_t> expected = {0, 1, 2, 4, 6, 8, 12, 16, 18, 20};
  EXPECT_EQ(checkpoint_steps(recipe_of(20, 0, 6)), expected);
}

TEST(CheckpointSteps, OfThePublishedScheduleAreMoreThanTwoHundred) {
  const std::vector<std::uint64_t> steps = checkpoint_steps(recipe_of(600, 40, 3));
  EXPECT_EQ(steps.size(), 211u);  // 0, ten powers of two up to 512, 200 multiples of 3
  EXPECT_EQ(steps.back(), 600u);
}

TEST(CheckpointSteps, HoldTheLastStepEvenWhenNothingElseFallsOnIt) {
  EXPECT_EQ(checkpoint_steps(recipe_of(7, 0, 100)), (std::vector<std::uint64_t>{0, 1, 2, 4, 7}));
}

TEST(Anchors, AreStepZeroMultiplesOfTheAnchorIntervalAndTheLastStep) {
  const configs::TrainRecipe recipe = recipe_of(50, 0, 4, 24);
  std::vector<std::uint64_t> anchors;
  for (std::uint64_t step = 0; step <= 50; ++step) {
    if (is_anchor(recipe, step)) anchors.push_back(step);
  }
  EXPECT_EQ(anchors, (std::vector<std::uint64_t>{0, 24, 48, 50}));
}

}  // namespace
}  // namespace reprise::train
