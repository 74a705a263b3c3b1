#include "reprise/configs/checkpoint_schedule.h"

#include <algorithm>

#include "reprise/configs/batch_plan.h"

namespace reprise::configs {
namespace {

/// The largest n whose `power`-th power is at most 2^k, in whole numbers: no rounding decides a step. n^power < 2^128.
std::uint64_t whole_root(std::uint32_t power, unsigned k) {
  const auto fits = [&](std::uint64_t n) {
    unsigned __int128 product = 1;
    for (std::uint32_t i = 0; i < power; ++i) product *= n;
    return product <= (static_cast<unsigned __int128>(1) << k);
  };
  std::uint64_t low = std::uint64_t{1} << (k / power);
  std::uint64_t high = low * 2;  // never fits
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

void add_geometric_steps(std::uint32_t per_doubling, std::uint64_t last, std::vector<std::uint64_t>& steps) {
  if (per_doubling == 0) return;
  for (unsigned k = 0; (std::uint64_t{1} << (k / per_doubling)) <= last; ++k) {
    const std::uint64_t step = whole_root(per_doubling, k);
    if (step <= last) steps.push_back(step);
  }
}

void add_steps_of_tokens(std::uint64_t interval, const BatchPlan& plan, std::uint64_t last,
                         std::vector<std::uint64_t>& steps) {
  if (interval == 0) return;
  // Several multiples can fall into one step, so the next one to look at is that behind the step.
  for (std::uint64_t k = 1, most = plan.tokens_behind(last) / interval; k <= most;) {
    steps.push_back(plan.steps_of_tokens(k * interval));
    k = plan.tokens_behind(steps.back()) / interval + 1;
  }
}

std::uint64_t interval_of(const CheckpointSchedule& schedule) {
  return std::max<std::uint64_t>(1, schedule.interval());
}

}  // namespace

std::uint64_t most_checkpoint_steps(const TrainRecipe& recipe) {
  const CheckpointSchedule& schedule = recipe.checkpoints();
  const std::uint64_t last = recipe.num_steps();
  const std::uint64_t ends_and_doublings = 2 + std::uint64_t{64} * schedule.per_doubling();
  std::uint64_t most = ends_and_doublings + last / interval_of(schedule) +
                       std::min<std::uint64_t>(last, static_cast<std::uint64_t>(schedule.step_size()));
  if (schedule.interval_tokens() > 0) {
    const unsigned __int128 tokens =
        static_cast<unsigned __int128>(BatchPlan(recipe).first_sample(last + 1)) * recipe.sequence_length();
    most += static_cast<std::uint64_t>(std::min<unsigned __int128>(last, tokens / schedule.interval_tokens()));
  }
  return most;
}

std::vector<std::uint64_t> checkpoint_steps(const TrainRecipe& recipe) {
  const CheckpointSchedule& schedule = recipe.checkpoints();
  const std::uint64_t last = recipe.num_steps();
  const std::uint64_t interval = interval_of(schedule);
  std::vector<std::uint64_t> steps{0, last};
  add_geometric_steps(schedule.per_doubling(), last, steps);
  for (std::uint64_t step = interval; step <= last; step += interval) steps.push_back(step);
  for (const std::uint32_t step : schedule.step()) {
    if (step <= last) steps.push_back(step);
  }
  add_steps_of_tokens(schedule.interval_tokens(), BatchPlan(recipe), last, steps);
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  return steps;
}

std::vector<std::uint64_t> checkpoint_steps(const Recipe& recipe) {
  std::vector<std::uint64_t> steps = checkpoint_steps(recipe.train());
  const std::uint64_t first = recipe.parent().step();
  std::erase_if(steps, [&](std::uint64_t step) { return step <= first; });
  steps.insert(steps.begin(), first);
  return steps;
}

bool is_anchor(const TrainRecipe& recipe, std::uint64_t step) {
  const std::uint64_t interval = std::max<std::uint64_t>(1, recipe.checkpoints().anchor_interval());
  return step % interval == 0 || step == recipe.num_steps();
}

bool is_anchor(const Recipe& recipe, std::uint64_t step) {
  return step == recipe.parent().step() || is_anchor(recipe.train(), step);
}

}  // namespace reprise::configs
