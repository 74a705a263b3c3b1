#include "reprise/configs/stages.h"

#include <algorithm>

#include "reprise/configs/batch_plan.h"

namespace reprise::configs {
namespace {

bool has_length(const Stage& stage) { return stage.has_steps() || stage.has_tokens(); }

/// `before`: steps of the stages before.
std::uint64_t steps_of(const Stage& stage, const TrainRecipe& recipe, std::uint64_t before) {
  if (stage.has_steps() || recipe.sequence_length() == 0 || recipe.batch_sequences() == 0) return stage.steps();
  return BatchPlan(recipe).steps_of_tokens(stage.tokens(), before);
}

/// `before`: steps of the run before its first stage.
std::vector<std::uint64_t> stage_steps(const TrainRecipe& recipe, std::uint64_t before) {
  std::vector<std::uint64_t> steps;
  std::uint64_t remaining = recipe.num_steps() - std::min<std::uint64_t>(recipe.num_steps(), before);
  for (const Stage& stage : recipe.stage()) {
    const bool takes_rest = !has_length(stage) && static_cast<int>(steps.size()) + 1 == recipe.stage_size();
    steps.push_back(takes_rest ? remaining : steps_of(stage, recipe, before));
    remaining -= std::min(remaining, steps.back());
    // Stages that are too long are a mistake; what is counted behind them must only not wrap round.
    before += std::min<std::uint64_t>(steps.back(), std::uint64_t{1} << 40);
  }
  return steps;
}

}  // namespace

std::vector<std::uint64_t> stage_steps(const TrainRecipe& recipe) { return stage_steps(recipe, 0); }

std::uint64_t steps_of_stages(const Recipe& recipe) {
  const std::uint64_t num_steps = recipe.train().num_steps();
  if (!recipe.parent().restart_data()) return num_steps;
  return num_steps - std::min(num_steps, recipe.parent().step());
}

std::vector<std::uint64_t> stage_steps(const Recipe& recipe) {
  return stage_steps(recipe.train(), recipe.parent().restart_data() ? recipe.parent().step() : 0);
}

}  // namespace reprise::configs
