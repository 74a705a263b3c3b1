#pragma once
// Logged losses: per grain a binary64 sum in token order, over grains the tree that also adds the gradients.

#include <span>

namespace reprise::train {

/// Adds float32 losses left to right in binary64, from +0.
double sum_in_order(std::span<const float> losses);

/// Adds values by the binary tree that splits at the largest power of two below the size. `values` is not empty.
double sum_by_tree(std::span<const double> values);

}  // namespace reprise::train
