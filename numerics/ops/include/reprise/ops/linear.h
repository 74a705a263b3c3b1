#pragma once
// Linear layers [C-3], [C-36]. A bias whose weight is undefined is none.

#include <span>
#include <vector>

#include "reprise/ops/parameter.h"

namespace reprise::ops {

/// Returns x W^T + b for W [O,D] and b [O].
at::Tensor linear(const at::Tensor& x, const Parameter& weight, const Parameter& bias = {});

/// Returns x W^T + b for each weight and its bias in order; `biases` is empty or as long as `weights`. One operator, so
/// that the gradient of x is one product over the concatenated outputs in declared order.
std::vector<at::Tensor> joint_linear(const at::Tensor& x, std::span<const Parameter> weights,
                                     std::span<const Parameter> biases = {});

}  // namespace reprise::ops
