#pragma once
// The values of a tensor as their difference from the same tensor of an anchor, without loss: how the bytes of
// `weight_deltas/NAME` are made and undone (docs/formats/checkpoint.md). Pure arithmetic on bits.

#include <cstddef>
#include <span>
#include <vector>

namespace reprise::checkpoints {

/// Returns the difference of `values` from `anchor` (of the same size), compressed. Its bytes may depend on the version
/// of libzstd; what apply_delta() makes of them does not.
std::vector<std::byte> encode_delta(std::span<const float> values, std::span<const float> anchor);

/// Turns the anchor's values into those that were encoded, in place. Returns false when `bytes` is no difference of
/// this many values; `values` is then of no use.
[[nodiscard]] bool apply_delta(std::span<const std::byte> bytes, std::span<float> values);

}  // namespace reprise::checkpoints
