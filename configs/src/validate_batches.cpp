#include "validate_rules.h"

namespace reprise::configs {
namespace {

void evaluation_is_whole_grains(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  if (!train.has_evaluation()) return;
  const InLoopEvaluation& evaluation = train.evaluation();
  findings.require(evaluation.interval() >= 1, "recipe.train.evaluation.interval", "must be at least 1, is 0",
                   "the default is 100");
  if (train.grain_sequences() == 0) return;
  findings.require(evaluation.sequences() >= 1 && evaluation.sequences() % train.grain_sequences() == 0,
                   "recipe.train.evaluation.sequences",
                   fmt::format("must be a multiple of grain_sequences {} above 0, is {}", train.grain_sequences(),
                               evaluation.sequences()),
                   "the default is 64");
}

constexpr Rule kRules[] = {evaluation_is_whole_grains};

}  // namespace

std::span<const Rule> batch_rules() { return kRules; }

}  // namespace reprise::configs
