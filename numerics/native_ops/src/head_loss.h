#pragma once
// Head, cross-entropy and z-loss in LibTorch's operators: the end of the graph.

#include "reprise/ops/operator_set.h"

namespace reprise::native_ops {

/// As ops::head_loss, with operands of `type` in the products.
ops::HeadLoss head_loss(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets, float z_weight,
                        at::ScalarType type);

/// As ops::head_loss_without_gradient.
ops::HeadLoss head_loss_without_gradient(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                                         at::ScalarType type);

}  // namespace reprise::native_ops
