#pragma once
// What the numerics profile of a recipe means for those that run it.

#include <cstdint>

#include "reprise/configs/config.pb.h"

namespace reprise::configs {

/// Says whether the model is computed by LibTorch's own operators.
bool is_native(const Recipe& recipe);

/// Returns the sequences whose gradient is one leaf of the tree over a step: a grain, or under native the grains of one
/// forward pass.
std::uint32_t sequences_per_leaf(const Recipe& recipe);

}  // namespace reprise::configs
