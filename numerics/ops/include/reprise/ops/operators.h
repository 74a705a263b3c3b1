#pragma once
// The operators of the exact profile as autograd nodes: LibTorch holds the tensors and the graph, the kernels of
// reprise::numerics do the arithmetic. One node per operator; no ATen arithmetic anywhere (a test lists what is
// called).
//
// Legend and layout of the tensors: parameter.h.
//
// A value may be used by ONE operator. The one legal way to use it more often is fan_out, which fixes the order in
// which the gradients are added; otherwise the autograd engine would choose it.
//
// Thread-safety: re-entrant. Operators on different tensors may run on different threads.
// Failures: Error(kInternal) when a shape, dtype or layout is wrong: callers decide shapes, users do not.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "reprise/ops/activation.h"
#include "reprise/ops/attention.h"
#include "reprise/ops/dropout.h"
#include "reprise/ops/linear.h"
#include "reprise/ops/norm.h"
#include "reprise/ops/parameter.h"
#include "reprise/ops/rotary.h"

namespace reprise::ops {

/// Returns table[ids]: ids [B,T] to [B,T,D].
at::Tensor embedding(const at::Tensor& ids, const Parameter& table);

/// Returns residual + branch. Both get the same gradient.
at::Tensor residual_add(const at::Tensor& residual, const at::Tensor& branch);

/// Returns x twice, for its first and its second use in forward order; the gradients are added in that order.
std::array<at::Tensor, 2> fan_out(const at::Tensor& x);

/// Returns x for each of its uses in forward order; the gradients are added left to right: ((first + second) + third).
std::vector<at::Tensor> fan_out(const at::Tensor& x, std::size_t num_uses);

/// Losses of the tokens [B,T], and the root of the graph: the sum of cross_entropy + z_weight * z.
struct HeadLoss {
  at::Tensor root;  // scalar; the backward pass starts here with a gradient of exactly 1
  at::Tensor cross_entropy;
  at::Tensor z;  // logsumexp^2
};

/// Multiplies by the head [V,D] and returns the losses. The gradients are computed with them, so that no logits are
/// kept; a negative target has no loss and no gradient.
HeadLoss head_loss(const at::Tensor& hidden, const Parameter& weight, const at::Tensor& targets, float z_weight);

/// Returns the losses alone, the same bits as head_loss; `root` is undefined.
HeadLoss head_loss_without_gradient(const at::Tensor& hidden, const Parameter& weight, const at::Tensor& targets);

}  // namespace reprise::ops
