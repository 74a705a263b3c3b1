#pragma once
// Lengths of the stages of a run (docs/reference/mixtures.md).

#include <cstdint>
#include <vector>

#include "reprise/configs/config.pb.h"

namespace reprise::configs {

/// Returns the steps of each stage: as given, tokens rounded up to whole steps; 0 where neither is given, and for the
/// last stage then what remains of num_steps.
std::vector<std::uint64_t> stage_steps(const TrainRecipe& recipe);

/// Steps that the stages fill: num_steps, or those behind the parent's step where the run reads its data from the
/// beginning.
std::uint64_t steps_of_stages(const Recipe& recipe);
/// The same as stage_steps of a run of that many steps.
std::vector<std::uint64_t> stage_steps(const Recipe& recipe);

}  // namespace reprise::configs
