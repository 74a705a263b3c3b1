#pragma once
// What AdamW does to each tensor: the values of the recipe, or those of the tensor's parameter group.

#include <optional>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/tensor_layout.h"

namespace reprise::train {

/// How one tensor is updated ([C-42] of the numeric contract).
struct TensorUpdate {
  std::optional<int> group;  // place in adamw.group; none: the tensor belongs to none
  float weight_decay = 0;
  double learning_rate_scale = 1;  // of the rate before it is rounded
};

/// Returns how each tensor of `layout` is updated, in its order. Throws kConfig with every glob of the groups that
/// names no tensor, and what is near it.
std::vector<TensorUpdate> tensor_updates(const configs::AdamW& recipe, const TensorLayout& layout);

}  // namespace reprise::train
