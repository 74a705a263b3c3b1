#include "validate_rules.h"

namespace reprise::configs {
namespace {

void parent_is_named(const RunConfig& config, Findings& findings) {
  const Parent& parent = config.recipe().parent();
  const char* hint = "`reprise train --from RUN@STEP` fills it in";
  findings.require(!parent.run().empty(), "recipe.parent.run", "is required", hint);
  findings.require(is_sha256(parent.root()), "recipe.parent.root",
                   fmt::format("is not 64 lower-case hexadecimal digits: '{}'", parent.root()), hint);
  findings.require(is_sha256(parent.recipe_hash()), "recipe.parent.recipe_hash",
                   fmt::format("is not 64 lower-case hexadecimal digits: '{}'", parent.recipe_hash()), hint);
}

void steps_remain_behind_the_parent(const RunConfig& config, Findings& findings) {
  const std::uint32_t num_steps = config.recipe().train().num_steps();
  const std::uint64_t step = config.recipe().parent().step();
  findings.require(num_steps == 0 || num_steps > step, "recipe.train.num_steps",
                   fmt::format("is {}; the run goes on from step {}", num_steps, step),
                   fmt::format("steps count on from the parent's: at least {}", step + 1));
}

constexpr Rule kRules[] = {parent_is_named, steps_remain_behind_the_parent};

void rules_of_a_parent(const RunConfig& config, Findings& findings) {
  if (!config.recipe().has_parent()) return;
  for (const Rule rule : kRules) rule(config, findings);
}

constexpr Rule kParentRules[] = {rules_of_a_parent};

}  // namespace

std::span<const Rule> parent_rules() { return kParentRules; }

}  // namespace reprise::configs
