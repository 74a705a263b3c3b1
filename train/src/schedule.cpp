#include <algorithm>
#include <cmath>

#include "reprise/configs/batch_plan.h"
#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"
#include "reprise/train/trainer.h"

namespace reprise::train {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// From 1 at x = 0 to 0 at x = 1.
double curve(const std::string& name, double x) {
  if (name == "linear") return 1.0 - x;
  if (name == "one_minus_sqrt") return 1.0 - std::sqrt(x);
  return 0.5 * (1.0 + numerics::exact_cos(kPi * x));
}

/// What the peak is multiplied by behind the warm-up.
double shape_factor(const configs::LearningRate& schedule, double warmup, double num_steps, double step) {
  const double floor = schedule.final_fraction();
  const std::string& shape = schedule.shape();
  if (shape == "constant") return 1.0;
  if (shape == "inverse_sqrt") return std::sqrt(warmup / step);
  if (shape == "wsd") {
    const double begin = num_steps - schedule.decay_steps();
    if (step <= begin) return 1.0;
    return floor + (1.0 - floor) * curve(schedule.decay(), (step - begin) / schedule.decay_steps());
  }
  return floor + (1.0 - floor) * curve(shape, (step - warmup) / (num_steps - warmup));
}

}  // namespace

std::uint64_t warmup_steps(const configs::TrainRecipe& recipe) {
  const configs::LearningRate& schedule = recipe.learning_rate();
  if (!schedule.has_warmup_tokens()) return schedule.warmup_steps();
  return configs::BatchPlan(recipe).steps_of_tokens(schedule.warmup_tokens(), schedule.start_step());
}

double unrounded_learning_rate(const configs::TrainRecipe& recipe, std::uint64_t step) {
  const configs::LearningRate& schedule = recipe.learning_rate();
  const std::uint64_t start = schedule.start_step();
  REPRISE_CHECK(step > start && step <= recipe.num_steps());
  const std::uint64_t t = step - start;
  const std::uint64_t warmup = warmup_steps(recipe);
  const std::uint64_t length = schedule.has_shape_steps() ? schedule.shape_steps() : recipe.num_steps() - start;
  const double peak = schedule.peak();
  if (t <= warmup) return peak * static_cast<double>(t) / static_cast<double>(warmup);
  const std::uint64_t place = schedule.shape() == "inverse_sqrt" ? t : std::min(t, length);
  return peak *
         shape_factor(schedule, static_cast<double>(warmup), static_cast<double>(length), static_cast<double>(place));
}

float learning_rate(const configs::TrainRecipe& recipe, std::uint64_t step) {
  return static_cast<float>(unrounded_learning_rate(recipe, step));
}

}  // namespace reprise::train
