#pragma once
// What the numerics profile and the document mask of a recipe mean for those that run it.

#include <cstdint>
#include <optional>

#include "reprise/configs/config.pb.h"

namespace reprise::configs {

/// Says whether the model is computed by LibTorch's own operators.
bool is_native(const Recipe& recipe);

/// Returns the sequences whose gradient is one leaf of the tree over a step: a grain, or under native the grains of one
/// forward pass.
std::uint32_t sequences_per_leaf(const Recipe& recipe);

/// The id of the end of text, which a recipe's tokenizer always has.
inline constexpr std::int32_t kEndOfTextId = 0;

/// Returns the id that attention does not cross, or nothing where the recipe has no document mask.
std::optional<std::int32_t> document_end(const Recipe& recipe);

}  // namespace reprise::configs
