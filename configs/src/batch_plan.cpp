#include "reprise/configs/batch_plan.h"

#include <algorithm>

#include "reprise/core/error.h"

namespace reprise::configs {
namespace {

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t by) { return value / by + (value % by != 0 ? 1 : 0); }

}  // namespace

BatchPlan::BatchPlan(const TrainRecipe& recipe) : length_(recipe.sequence_length()), num_steps_(recipe.num_steps()) {
  Part next;
  for (const BatchSize& size : recipe.batch_warmup()) {
    next.sequences = size.sequences();
    const std::uint64_t tokens_per_step = size.sequences() * length_;
    // What validation refuses must not divide by zero before it does.
    const std::uint64_t of_tokens = tokens_per_step == 0 ? 0 : rounded_up(size.tokens(), tokens_per_step);
    const std::uint64_t steps = size.has_steps() ? size.steps() : of_tokens;
    if (steps == 0) continue;
    parts_.push_back(next);
    next.steps_before += steps;
    next.samples_before += steps * size.sequences();
  }
  next.sequences = recipe.batch_sequences();
  parts_.push_back(next);
}

const BatchPlan::Part& BatchPlan::part_of_step(std::uint64_t step) const {
  REPRISE_CHECK(step >= 1);
  const auto behind =
      std::upper_bound(parts_.begin(), parts_.end(), step - 1,
                       [](std::uint64_t before, const Part& part) { return before < part.steps_before; });
  return *std::prev(behind);
}

std::uint32_t BatchPlan::sequences(std::uint64_t step) const { return part_of_step(step).sequences; }

std::uint64_t BatchPlan::first_sample(std::uint64_t step) const {
  const Part& part = part_of_step(step);
  return part.samples_before + (step - 1 - part.steps_before) * part.sequences;
}

std::uint64_t BatchPlan::step_of(std::uint64_t sample) const {
  const auto behind =
      std::upper_bound(parts_.begin(), parts_.end(), sample,
                       [](std::uint64_t ordinal, const Part& part) { return ordinal < part.samples_before; });
  const Part& part = *std::prev(behind);
  return part.steps_before + (sample - part.samples_before) / part.sequences + 1;
}

std::uint64_t BatchPlan::steps_of_tokens(std::uint64_t tokens, std::uint64_t step) const {
  if (tokens == 0) return 0;
  const std::uint64_t samples = rounded_up(tokens, length_);
  // The last of the sequences that are needed.
  return step_of(first_sample(step + 1) + samples - 1) - step;
}

std::vector<std::uint32_t> BatchPlan::sizes() const {
  std::vector<std::uint32_t> sizes;
  for (const Part& part : parts_) {
    if (part.steps_before >= num_steps_) break;
    if (std::find(sizes.begin(), sizes.end(), part.sequences) == sizes.end()) sizes.push_back(part.sequences);
  }
  return sizes;
}

}  // namespace reprise::configs
