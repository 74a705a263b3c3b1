// [C-45]: how many sequences each step reads.

#include "reprise/configs/batch_plan.h"

#include <gtest/gtest.h>

#include "reprise/configs/stages.h"

namespace reprise::configs {
namespace {

TrainRecipe plain_recipe() {
  TrainRecipe recipe;
  recipe.set_sequence_length(10);
  recipe.set_batch_sequences(8);
  recipe.set_grain_sequences(2);
  recipe.set_num_steps(20);
  return recipe;
}

/// Three steps of 2 sequences, two of 4 (75 tokens are less than 2 steps of 40), then steps of 8.
TrainRecipe warm_recipe() {
  TrainRecipe recipe = plain_recipe();
  BatchSize& first = *recipe.add_batch_warmup();
  first.set_sequences(2);
  first.set_steps(3);
  BatchSize& second = *recipe.add_batch_warmup();
  second.set_sequences(4);
  second.set_tokens(75);
  return recipe;
}

TEST(BatchPlan, WithoutAWarmUpEveryStepHasTheWholeBatch) {
  const BatchPlan plan(plain_recipe());
  for (std::uint64_t step = 1; step <= 20; ++step) {
    EXPECT_EQ(plan.sequences(step), 8u);
    EXPECT_EQ(plan.first_sample(step), (step - 1) * 8);
    EXPECT_EQ(plan.tokens_behind(step), step * 80);
  }
  EXPECT_EQ(plan.sizes(), std::vector<std::uint32_t>{8});
  EXPECT_EQ(plan.warmup_steps(), 0u);
}

TEST(BatchPlan, GivesTheSizesOneAfterAnother) {
  const BatchPlan plan(warm_recipe());
  std::vector<std::uint32_t> sizes;
  for (std::uint64_t step = 1; step <= 8; ++step) sizes.push_back(plan.sequences(step));
  EXPECT_EQ(sizes, (std::vector<std::uint32_t>{2, 2, 2, 4, 4, 8, 8, 8}));
  EXPECT_EQ(plan.sizes(), (std::vector<std::uint32_t>{2, 4, 8}));
  EXPECT_EQ(plan.warmup_steps(), 5u);
}

TEST(BatchPlan, EveryStepBeginsWhereTheOneBeforeEnds) {
  const BatchPlan plan(warm_recipe());
  std::uint64_t sample = 0;
  for (std::uint64_t step = 1; step <= 20; ++step) {
    EXPECT_EQ(plan.first_sample(step), sample);
    for (std::uint32_t i = 0; i < plan.sequences(step); ++i) EXPECT_EQ(plan.step_of(sample + i), step);
    sample += plan.sequences(step);
    EXPECT_EQ(plan.tokens_behind(step), sample * 10);
  }
}

TEST(BatchPlan, CountsTheFewestStepsThatHaveSoManyTokens) {
  for (const TrainRecipe& recipe : {plain_recipe(), warm_recipe()}) {
    const BatchPlan plan(recipe);
    for (std::uint64_t start = 0; start < 8; ++start) {
      for (std::uint64_t tokens = 0; tokens < 400; ++tokens) {
        std::uint64_t steps = 0;
        while (plan.tokens_behind(start + steps) - plan.tokens_behind(start) < tokens) ++steps;
        ASSERT_EQ(plan.steps_of_tokens(tokens, start), steps) << tokens << " tokens behind step " << start;
      }
    }
  }
}

TEST(BatchPlan, NamesOnlySizesThatTheRunReaches) {
  TrainRecipe recipe = warm_recipe();
  recipe.set_num_steps(3);
  EXPECT_EQ(BatchPlan(recipe).sizes(), std::vector<std::uint32_t>{2});
}

TEST(BatchPlan, StagesInTokensCountTheSmallBatches) {
  TrainRecipe recipe = warm_recipe();
  recipe.add_stage()->set_tokens(100);  // 3 steps of 20 and 1 of 40
  recipe.add_stage()->set_tokens(100);  // 1 step of 40 and 1 of 80
  recipe.add_stage();
  EXPECT_EQ(stage_steps(recipe), (std::vector<std::uint64_t>{4, 2, 14}));
}

}  // namespace
}  // namespace reprise::configs
