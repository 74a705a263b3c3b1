#pragma once
// How many sequences each step of a run reads, and where it begins: a function of the recipe alone, in steps from 1 on
// ([C-45] of the numeric contract). Everything that counts steps, sequences or tokens asks here.

#include <cstdint>
#include <vector>

#include "reprise/configs/config.pb.h"

namespace reprise::configs {

class BatchPlan {
 public:
  explicit BatchPlan(const TrainRecipe& recipe);

  /// Sequences of step `step`, from 1.
  std::uint32_t sequences(std::uint64_t step) const;
  /// Sequences of all steps before `step`: the ordinal of its first one, counted from the run's first.
  std::uint64_t first_sample(std::uint64_t step) const;
  /// The step that reads the sequence with that ordinal.
  std::uint64_t step_of(std::uint64_t sample) const;
  /// Tokens of the steps up to and with `step`.
  std::uint64_t tokens_behind(std::uint64_t step) const { return first_sample(step + 1) * length_; }
  /// The fewest steps behind step `step` that have `tokens` tokens together.
  std::uint64_t steps_of_tokens(std::uint64_t tokens, std::uint64_t step = 0) const;
  /// The sizes that steps of the run have, each once, as they come.
  std::vector<std::uint32_t> sizes() const;
  /// Steps before the first one of the full size.
  std::uint64_t warmup_steps() const { return parts_.back().steps_before; }

 private:
  /// Steps of one size; the last part has no end.
  struct Part {
    std::uint32_t sequences = 0;
    std::uint64_t steps_before = 0;
    std::uint64_t samples_before = 0;
  };
  const Part& part_of_step(std::uint64_t step) const;

  std::vector<Part> parts_;
  std::uint64_t length_;
  std::uint64_t num_steps_;
};

}  // namespace reprise::configs
