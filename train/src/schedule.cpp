#include <algorithm>
#include <set>

#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"
#include "reprise/train/trainer.h"

namespace reprise::train {
namespace {

constexpr double kPi = 3.14159265358979323846;

double learning_rate_binary64(const configs::LearningRate& schedule, double num_steps, double step) {
  const double peak = schedule.peak();
  const double warmup = schedule.warmup_steps();
  if (step <= warmup) return peak * step / warmup;
  const double progress = (step - warmup) / (num_steps - warmup);
  const double cosine = 0.5 * (1.0 + numerics::exact_cos(kPi * progress));
  const double floor = schedule.final_fraction();
  return peak * (floor + (1.0 - floor) * cosine);
}

}  // namespace

float learning_rate(const configs::TrainRecipe& recipe, std::uint64_t step) {
  REPRISE_CHECK(step >= 1 && step <= recipe.num_steps());
  return static_cast<float>(learning_rate_binary64(recipe.learning_rate(), static_cast<double>(recipe.num_steps()),
                                                   static_cast<double>(step)));
}

std::vector<std::uint64_t> checkpoint_steps(const configs::TrainRecipe& recipe) {
  const std::uint64_t last = recipe.num_steps();
  const std::uint64_t interval = std::max<std::uint64_t>(1, recipe.checkpoints().interval());
  std::set<std::uint64_t> steps{0, last};
  for (std::uint64_t step = 1; step <= last; step *= 2) steps.insert(step);
  for (std::uint64_t step = interval; step <= last; step += interval) steps.insert(step);
  return {steps.begin(), steps.end()};
}

bool is_anchor(const configs::TrainRecipe& recipe, std::uint64_t step) {
  const std::uint64_t interval = std::max<std::uint64_t>(1, recipe.checkpoints().anchor_interval());
  return step % interval == 0 || step == recipe.num_steps();
}

}  // namespace reprise::train
