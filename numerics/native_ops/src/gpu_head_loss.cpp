#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <functional>

#include "gpu_nodes.h"
#include "reprise/core/error.h"

namespace reprise::native_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kPieceGranule = 512;

/// The losses of all tokens, and the logits of one piece of them after another.
struct Pieces {
  Pieces(const GpuContext& gpu_context, const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets)
      : gpu(gpu_context),
        rows(rows_of(hidden)),
        weight(head),
        ids(targets.reshape({-1})),
        cross_entropy(at::empty(targets.sizes(), hidden.options().dtype(at::kFloat))),
        z(at::empty_like(cross_entropy)) {}

  /// Calls `visit(first, rows, logits)` for each piece; with `with_gradient` the logits are their gradient.
  void visit(float z_weight, bool with_gradient,
             const std::function<void(std::int64_t first, const at::Tensor& rows, const at::Tensor& logits)>& visit) {
    const std::int64_t vocab = weight.size(0);
    const std::int64_t most = std::max<std::int64_t>(1, gpu.logits_at_once / vocab / kPieceGranule) * kPieceGranule;
    for (std::int64_t first = 0; first < ids.numel(); first += most) {
      const std::int64_t count = std::min(most, ids.numel() - first);
      const at::Tensor piece = rows.narrow(0, first, count);
      at::Tensor logits = at::mm(piece, weight.t());
      gpu.kernels->token_losses(gpu.type(), count, vocab, logits.mutable_data_ptr(),
                                ids.const_data_ptr<std::int32_t>() + first, z_weight, with_gradient,
                                cross_entropy.mutable_data_ptr<float>() + first, z.mutable_data_ptr<float>() + first);
      visit(first, piece, logits);
    }
  }

  GpuContext gpu;
  at::Tensor rows, weight, ids, cross_entropy, z;
};

// The gradients are computed with the losses, so that no logits are kept.
struct GpuHeadLossNode : torch::autograd::Function<GpuHeadLossNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor&,
                               const at::Tensor& operand, const at::Tensor& targets, double z_weight,
                               const GpuContext& gpu, const Destination& destination) {
    Pieces pieces(gpu, hidden, operand, targets);
    at::Tensor dhidden = at::empty_like(hidden);
    at::Tensor dweight = destination.tensor;
    pieces.visit(static_cast<float>(z_weight), true,
                 [&](std::int64_t first, const at::Tensor& rows, const at::Tensor& dlogits) {
                   rows_of(dhidden).narrow(0, first, rows.size(0)).copy_(at::mm(dlogits, operand));
                   const at::Tensor part = at::mm(dlogits.t(), rows);
                   first == 0 ? dweight.copy_(part) : dweight.add_(part);
                 });
    if (pieces.ids.numel() == 0) dweight.zero_();
    const at::Tensor root = pieces.cross_entropy.sum() + pieces.z.sum() * z_weight;
    context->set_materialize_grads(false);
    context->mark_non_differentiable({pieces.cross_entropy, pieces.z});
    context->save_for_backward({dhidden});
    context->saved_data["dweight"] = dweight;
    return {root, pieces.cross_entropy, pieces.z};
  }

  // The gradient of the root is 1 (OperatorSet::backward).
  static variable_list backward(AutogradContext* context, const variable_list&) {
    variable_list result(7);
    result[0] = context->get_saved_variables()[0];
    result[1] = context->saved_data["dweight"].toTensor();
    return result;
  }
};

}  // namespace

ops::HeadLoss gpu_head_loss(const GpuContext& context, const at::Tensor& hidden, const ops::Parameter& weight,
                            const at::Tensor& targets, float z_weight) {
  variable_list outputs = GpuHeadLossNode::apply(hidden, weight.weight, weight.operand, targets,
                                                 static_cast<double>(z_weight), context, destination_of(weight));
  return {std::move(outputs[0]), std::move(outputs[1]), std::move(outputs[2])};
}

ops::HeadLoss gpu_head_loss_without_gradient(const GpuContext& context, const at::Tensor& hidden,
                                             const ops::Parameter& weight, const at::Tensor& targets) {
  const at::NoGradGuard without_graph;
  Pieces pieces(context, hidden, weight.operand, targets);
  pieces.visit(0.0f, false, [](std::int64_t, const at::Tensor&, const at::Tensor&) {});
  return {{}, pieces.cross_entropy, pieces.z};
}

}  // namespace reprise::native_ops
