#pragma once
// Activation checkpointing (Chen et al., arXiv 1604.06174): a piece of the graph that keeps its input alone and is run
// again by the backward pass.

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>

#include "reprise/ops/parameter.h"

namespace reprise::model {

/// Runs a piece of the graph: the same operators on the same bits each time.
using Piece = std::function<at::Tensor(const at::Tensor& x)>;

/// Returns piece(x). Without a gradient to come it is no more than that; else no activation inside the piece is kept,
/// and the backward pass runs it again. `used`: the parameters that the piece uses. What the piece points to must
/// outlive the graph.
at::Tensor recomputed(const at::Tensor& x, std::span<const ops::Parameter> used, Piece piece);

}  // namespace reprise::model
