#pragma once
// What every operator's interface speaks of. Legend of all of them: B sequences, T positions, D hidden size, H heads, E
// head size, F feed-forward width, V vocabulary. All tensors are contiguous, in the memory of the active device
// (device_scope.h) and float32, but for ids and targets, which are int32.

#include <ATen/core/Tensor.h>

#include <vector>

namespace reprise::ops {

/// A weight and the places of its gradient, one per grain: the rows of a batch are divided evenly among the grains, in
/// order, and the gradient of each grain is a sum over its own rows alone [C-19]. Written by the backward pass; the
/// first is what autograd gets. None: one grain, whose gradient is allocated.
struct Parameter {
  at::Tensor weight;  // leaf that requires a gradient
  std::vector<at::Tensor> gradients;
  at::Tensor operand = {};  // the weight in the type that products take, where a profile keeps it so; else undefined
};

}  // namespace reprise::ops
