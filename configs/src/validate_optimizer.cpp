#include "validate_rules.h"

namespace reprise::configs {
namespace {

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

constexpr Rule kRules[] = {parameter_groups_name_tensors, parameter_groups_change_something,
                           learning_rate_starts_before_the_run};

}  // namespace

std::span<const Rule> optimizer_rules() { return kRules; }

}  // namespace reprise::configs
