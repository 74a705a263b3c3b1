#include "reprise/configs/stages.h"

#include <algorithm>

namespace reprise::configs {
namespace {

bool has_length(const Stage& stage) { return stage.has_steps() || stage.has_tokens(); }

std::uint64_t steps_of(const Stage& stage, std::uint64_t tokens_per_step) {
  if (stage.has_steps() || tokens_per_step == 0) return stage.steps();
  return stage.tokens() / tokens_per_step + (stage.tokens() % tokens_per_step != 0 ? 1 : 0);
}

}  // namespace

std::vector<std::uint64_t> stage_steps(const TrainRecipe& recipe) {
  const std::uint64_t tokens_per_step = std::uint64_t{recipe.sequence_length()} * recipe.batch_sequences();
  std::vector<std::uint64_t> steps;
  std::uint64_t remaining = recipe.num_steps();
  for (const Stage& stage : recipe.stage()) {
    const bool takes_rest = !has_length(stage) && static_cast<int>(steps.size()) + 1 == recipe.stage_size();
    steps.push_back(takes_rest ? remaining : steps_of(stage, tokens_per_step));
    remaining -= std::min(remaining, steps.back());
  }
  return steps;
}

}  // namespace reprise::configs
