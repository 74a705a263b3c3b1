// [C-43]: which steps are spikes.

#include "spike_window.h"

#include <gtest/gtest.h>

#include <vector>

namespace reprise::train {
namespace {

configs::SpikeSkipping recipe_of(std::uint32_t window, double sigma) {
  configs::SpikeSkipping recipe;
  recipe.set_window(window);
  recipe.set_sigma(sigma);
  return recipe;
}

/// Sixty losses from 5.0 to 6.6 with five outliers.
std::vector<double> sample_series() {
  std::vector<double> series;
  for (int i = 0; i < 60; ++i) series.push_back(5 + (i * 37 % 17) / 10.0);
  series[3] = 50.0;
  series[20] = series[21] = 12.0;
  series[40] = 7.5;
  series[41] = 60.0;
  return series;
}

/// Steps, from 1 on, that are left out when the values are those of `member` and the other ones never change.
std::vector<int> skipped_steps(const configs::SpikeSkipping& recipe, double SpikeWindow::Values::*member) {
  SpikeWindow window;
  std::vector<int> steps;
  int step = 0;
  for (const double value : sample_series()) {
    SpikeWindow::Values values;
    values.*member = value;
    ++step;
    if (window.judge(recipe, values)) steps.push_back(step);
    window.add(recipe, values);
  }
  return steps;
}

// Known answers of Python 3.11: statistics.fmean and statistics.stdev over at most `window` values before the step,
// those of steps that were left out among them, from floor(window / 2) seen values on, the step's own counted
// (OLMo-core's rule).
TEST(SpikeWindow, LeavesOutTheStepsThatOlmoCoresRuleLeavesOut) {
  for (double SpikeWindow::Values::*member : {&SpikeWindow::Values::loss, &SpikeWindow::Values::gradient_norm}) {
    EXPECT_EQ(skipped_steps(recipe_of(8, 2), member), (std::vector<int>{4, 21, 22, 41, 42}));
    EXPECT_EQ(skipped_steps(recipe_of(7, 2), member), (std::vector<int>{3, 4, 21, 22, 41, 42}));
    EXPECT_EQ(skipped_steps(recipe_of(16, 3), member), (std::vector<int>{21, 22, 41, 42}));
    EXPECT_EQ(skipped_steps(recipe_of(16, 6), member), (std::vector<int>{21, 42}));
    EXPECT_EQ(skipped_steps(recipe_of(4, 1), member),
              (std::vector<int>{3, 4, 11, 12, 17, 21, 22, 28, 29, 34, 39, 40, 41, 42, 51, 56, 57}));
  }
}

TEST(SpikeWindow, SaysWhichLimitWasPassed) {
  const configs::SpikeSkipping recipe = recipe_of(4, 2);
  SpikeWindow window;
  for (const double loss : {1.0, 2.0, 3.0, 4.0}) window.add(recipe, {loss, 10 * loss});
  // Mean 2.5, deviation sqrt(5 / 3).
  EXPECT_FALSE(window.judge(recipe, {5.08, 50.8}).has_value());
  const auto loss = window.judge(recipe, {5.09, 50.8});
  ASSERT_TRUE(loss.has_value());
  EXPECT_NEAR(*loss->loss_limit, 5.0819888974716112, 1e-15);
  EXPECT_FALSE(loss->gradient_norm_limit.has_value());
  const auto norm = window.judge(recipe, {5.08, 50.9});
  ASSERT_TRUE(norm.has_value());
  EXPECT_NEAR(*norm->gradient_norm_limit, 50.819888974716112, 1e-14);
  EXPECT_FALSE(norm->loss_limit.has_value());
}

TEST(SpikeWindow, WatchesWhatTheRecipeSays) {
  configs::SpikeSkipping recipe = recipe_of(4, 2);
  SpikeWindow window;
  for (const double value : {1.0, 2.0, 3.0, 4.0}) window.add(recipe, {value, value});
  recipe.set_loss(false);
  EXPECT_FALSE(window.judge(recipe, {100.0, 1.0}).has_value());
  recipe.set_loss(true);
  recipe.set_gradient_norm(false);
  EXPECT_FALSE(window.judge(recipe, {1.0, 100.0}).has_value());
  EXPECT_TRUE(window.judge(recipe, {100.0, 1.0}).has_value());
}

TEST(SpikeWindow, ComesBackFromBytesAndFromALog) {
  const configs::SpikeSkipping recipe = recipe_of(4, 1.5);
  SpikeWindow window;
  logs::RunLog log;
  for (std::uint64_t step = 1; step <= 7; ++step) {
    logs::RunRecord record;
    record.step.emplace().loss = 1.0 / static_cast<double>(step);
    record.step->gradient_norm = static_cast<double>(step * step);
    window.add(recipe, {record.step->loss, record.step->gradient_norm});
    log.records.push_back(record);
    log.records.emplace_back().checkpoint.emplace();
  }
  EXPECT_EQ(window.size(), 4u);
  EXPECT_EQ(SpikeWindow::from_bytes(window.to_bytes()).to_bytes(), window.to_bytes());
  EXPECT_EQ(spike_window_of(recipe, log).to_bytes(), window.to_bytes());
}

}  // namespace
}  // namespace reprise::train
