#pragma once
// Lengths of the stages of a run (docs/reference/mixtures.md).

#include <cstdint>
#include <vector>

#include "reprise/configs/config.pb.h"

namespace reprise::configs {

/// Returns the steps of each stage: as given, tokens rounded up to whole steps; 0 where neither is given, and for the
/// last stage then what remains of num_steps.
std::vector<std::uint64_t> stage_steps(const TrainRecipe& recipe);

}  // namespace reprise::configs
