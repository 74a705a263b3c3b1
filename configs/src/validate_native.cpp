#include "reprise/configs/profile.h"
#include "validate_rules.h"

namespace reprise::configs {
namespace {

constexpr std::uint32_t kMostThreadsPerGrain = 1024;

void native_belongs_to_the_native_profile(const RunConfig& config, Findings& findings) {
  const Recipe& recipe = config.recipe();
  findings.require(!recipe.has_native() || is_native(recipe), "recipe.native",
                   fmt::format("is given, but the numerics profile is '{}'", recipe.numerics()),
                   "leave it out, or say numerics: \"native\"");
}

void dtype_is_known(const RunConfig& config, Findings& findings) {
  const std::string& dtype = config.recipe().native().dtype();
  findings.require(dtype == "float32" || dtype == "bfloat16", "recipe.native.dtype",
                   fmt::format("unknown type '{}'", dtype), "the types are \"float32\" and \"bfloat16\"");
}

void threads_per_grain_is_in_range(const RunConfig& config, Findings& findings) {
  const std::uint32_t threads = config.recipe().native().threads_per_grain();
  findings.require(threads >= 1 && threads <= kMostThreadsPerGrain, "recipe.native.threads_per_grain",
                   fmt::format("must be from 1 to {}, is {}", kMostThreadsPerGrain, threads), "the default is 1");
}

void grains_of_a_forward_divide_the_batch(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  // A grain that does not divide the batch itself is a mistake of its own.
  if (train.grain_sequences() == 0 || train.batch_sequences() % train.grain_sequences() != 0) return;
  const std::uint64_t grains = config.recipe().native().grains_per_forward();
  const std::uint64_t sequences = grains * train.grain_sequences();
  findings.require(sequences > 0 && train.batch_sequences() % sequences == 0, "recipe.native.grains_per_forward",
                   fmt::format("{} grains of {} sequences do not divide the batch of {}", grains,
                               train.grain_sequences(), train.batch_sequences()),
                   "every forward pass must have the same shape; the default is 1");
}

constexpr Rule kRules[] = {native_belongs_to_the_native_profile, dtype_is_known, threads_per_grain_is_in_range,
                           grains_of_a_forward_divide_the_batch};

}  // namespace

std::span<const Rule> native_rules() { return kRules; }

}  // namespace reprise::configs
