#include "validate_rules.h"

namespace reprise::configs {
namespace {

// A deviation of fewer values says nothing; a longer window is more memory than use.
constexpr std::uint32_t kShortestWindow = 4;
constexpr std::uint32_t kLongestWindow = 100000;

std::string group_path(int i, std::string_view name) { return fmt::format("recipe.train.adamw.group[{}].{}", i, name); }

void parameter_groups_name_tensors(const RunConfig& config, Findings& findings) {
  const AdamW& adamw = config.recipe().train().adamw();
  for (int i = 0; i < adamw.group_size(); ++i) {
    const ParameterGroup& group = adamw.group(i);
    findings.require(group.tensor_size() > 0, group_path(i, "tensor"), "is required",
                     "for example tensor: \"*.q_norm.weight\"");
    for (int j = 0; j < group.tensor_size(); ++j) {
      findings.require(!group.tensor(j).empty(), group_path(i, fmt::format("tensor[{}]", j)), "is empty",
                       "give a glob, for example \"*norm.weight\"");
    }
  }
}

void parameter_groups_change_something(const RunConfig& config, Findings& findings) {
  const AdamW& adamw = config.recipe().train().adamw();
  for (int i = 0; i < adamw.group_size(); ++i) {
    const ParameterGroup& group = adamw.group(i);
    findings.require(group.has_weight_decay() || group.has_learning_rate_scale(), group_path(i, "weight_decay"),
                     "is required, or learning_rate_scale", "a group without values of its own can be left out");
    findings.require(group.weight_decay() >= 0, group_path(i, "weight_decay"),
                     fmt::format("must not be negative, is {}", group.weight_decay()), "0 switches it off");
    findings.require(group.learning_rate_scale() >= 0, group_path(i, "learning_rate_scale"),
                     fmt::format("must not be negative, is {}", group.learning_rate_scale()),
                     "0 leaves the tensors as they are");
  }
}

void learning_rate_starts_before_the_run(const RunConfig& config, Findings& findings) {
  const Recipe& recipe = config.recipe();
  const std::uint64_t first = recipe.parent().step();
  findings.require(recipe.train().learning_rate().start_step() <= first, "recipe.train.learning_rate.start_step",
                   fmt::format("must be at most {}, the step that the run begins with, is {}", first,
                               recipe.train().learning_rate().start_step()),
                   "leave it out, or give the step of the parent");
}

void spike_skipping_is_sound(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  if (!train.has_spike_skipping()) return;
  const SpikeSkipping& spikes = train.spike_skipping();
  const std::string place = "recipe.train.spike_skipping.";
  findings.require(spikes.window() >= kShortestWindow && spikes.window() <= kLongestWindow, place + "window",
                   fmt::format("must be from {} to {}, is {}", kShortestWindow, kLongestWindow, spikes.window()),
                   "the default is 128");
  findings.require(spikes.sigma() > 0, place + "sigma", fmt::format("must be above 0, is {}", spikes.sigma()),
                   "the default is 6");
  findings.require(spikes.loss() || spikes.gradient_norm(), place + "loss",
                   "neither the loss nor the gradient norm is watched",
                   "leave spike_skipping out to leave out no step");
}

constexpr Rule kRules[] = {parameter_groups_name_tensors, parameter_groups_change_something,
                           learning_rate_starts_before_the_run, spike_skipping_is_sound};

}  // namespace

std::span<const Rule> optimizer_rules() { return kRules; }

}  // namespace reprise::configs
