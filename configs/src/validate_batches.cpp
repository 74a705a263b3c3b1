#include "reprise/configs/batch_plan.h"
#include "reprise/configs/profile.h"
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

std::string size_path(int i, std::string_view name) { return fmt::format("recipe.train.batch_warmup[{}].{}", i, name); }

void batch_sizes_are_whole_grains(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  const std::uint32_t leaf = sequences_per_leaf(config.recipe());
  for (int i = 0; i < train.batch_warmup_size(); ++i) {
    const std::uint32_t sequences = train.batch_warmup(i).sequences();
    findings.require(sequences >= 1 && sequences <= train.batch_sequences(), size_path(i, "sequences"),
                     fmt::format("must be from 1 to batch_sequences {}, is {}", train.batch_sequences(), sequences),
                     "a warm-up has smaller batches");
    findings.require(leaf == 0 || sequences % leaf == 0, size_path(i, "sequences"),
                     fmt::format("must be a multiple of the {} sequences of a grain, is {}", leaf, sequences),
                     "a batch is a whole number of grains");
  }
}

void batch_sizes_have_a_length(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  for (int i = 0; i < train.batch_warmup_size(); ++i) {
    const BatchSize& size = train.batch_warmup(i);
    findings.require(size.has_steps() != size.has_tokens(), size_path(i, "steps"),
                     size.has_steps() ? "is given beside tokens" : "is required, or tokens", "give one of the two");
    findings.require(!size.has_steps() || size.steps() > 0, size_path(i, "steps"), "must be above 0, is 0",
                     "leave the size out");
    findings.require(!size.has_tokens() || size.tokens() > 0, size_path(i, "tokens"), "must be above 0, is 0",
                     "leave the size out");
  }
}

void batch_warmup_ends_in_the_run(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  if (train.batch_warmup_size() == 0 || train.num_steps() == 0) return;
  const std::uint64_t steps = BatchPlan(train).warmup_steps();
  findings.require(steps < train.num_steps(), "recipe.train.batch_warmup",
                   fmt::format("has {} steps; the run has {}", steps, train.num_steps()),
                   "shorten it, or raise num_steps");
}

constexpr Rule kRules[] = {evaluation_is_whole_grains, batch_sizes_are_whole_grains, batch_sizes_have_a_length,
                           batch_warmup_ends_in_the_run};

}  // namespace

std::span<const Rule> batch_rules() { return kRules; }

}  // namespace reprise::configs
