#include "head_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "reprise/core/error.h"

namespace reprise::native_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Tokens whose logits exist at once. Sums over tokens are cut here, so the number decides bits.
constexpr std::int64_t kTokensAtOnce = 512;

/// Losses of some tokens, and what their gradient is made of.
struct Tokens {
  at::Tensor logits;         // [N,V], float32
  at::Tensor mask;           // [N,1], 1 where there is a target, else 0
  at::Tensor index;          // [N,1], the target, or 0
  at::Tensor log_sum;        // [N,1], log of the sum of exponentials
  at::Tensor cross_entropy;  // [N,1]
  at::Tensor z;              // [N,1]
};

Tokens losses_of(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets) {
  Tokens tokens;
  tokens.logits = at::linear(hidden, weight).to(at::kFloat);
  const at::Tensor target = targets.unsqueeze(1).to(at::kLong);
  tokens.mask = target.ge(0).to(at::kFloat);
  tokens.index = target.clamp_min(0);
  tokens.log_sum = at::logsumexp(tokens.logits, 1, /*keepdim=*/true);
  tokens.cross_entropy = (tokens.log_sum - tokens.logits.gather(1, tokens.index)) * tokens.mask;
  tokens.z = tokens.log_sum.square() * tokens.mask;
  return tokens;
}

/// Turns the logits into the gradient of sum(cross_entropy + z_weight * z) by them.
at::Tensor logit_gradient(Tokens& tokens, double z_weight) {
  const at::Tensor scale = (tokens.log_sum * (2 * z_weight) + 1.0) * tokens.mask;
  at::Tensor gradient = tokens.logits.sub_(tokens.log_sum).exp_().mul_(scale);
  return gradient.scatter_add_(1, tokens.index, tokens.mask.neg());  // one index per row: no sum whose order is open
}

/// Calls `visit(first, count)` for the tokens by pieces.
template <typename Visit>
void for_each_piece(std::int64_t num_tokens, const Visit& visit) {
  for (std::int64_t first = 0; first < num_tokens; first += kTokensAtOnce) {
    visit(first, std::min(kTokensAtOnce, num_tokens - first));
  }
}

// The gradients are computed with the losses, so that no logits are kept.
struct HeadLossNode : torch::autograd::Function<HeadLossNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight,
                               const at::Tensor& targets, double z_weight, at::ScalarType type) {
    const at::Tensor rows = hidden.reshape({-1, hidden.size(-1)}).to(type);
    const at::Tensor head = weight.to(type);
    const at::Tensor ids = targets.reshape({-1});
    at::Tensor cross_entropy = at::empty(targets.sizes(), hidden.options());
    at::Tensor z = at::empty(targets.sizes(), hidden.options());
    at::Tensor dhidden = at::empty_like(hidden);
    at::Tensor dweight = at::zeros_like(weight);
    for_each_piece(ids.numel(), [&](std::int64_t first, std::int64_t count) {
      const at::Tensor piece = rows.narrow(0, first, count);
      Tokens tokens = losses_of(piece, head, ids.narrow(0, first, count));
      cross_entropy.view({-1, 1}).narrow(0, first, count).copy_(tokens.cross_entropy);
      z.view({-1, 1}).narrow(0, first, count).copy_(tokens.z);
      const at::Tensor dlogits = logit_gradient(tokens, z_weight).to(type);
      dhidden.view({-1, hidden.size(-1)}).narrow(0, first, count).copy_(at::mm(dlogits, head));
      dweight.add_(at::mm(dlogits.t(), piece));
    });
    const at::Tensor root = (cross_entropy.sum() + z.sum() * z_weight);
    context->set_materialize_grads(false);
    context->mark_non_differentiable({cross_entropy, z});
    context->save_for_backward({dhidden, dweight});
    return {root, cross_entropy, z};
  }

  // The gradient of the root is 1 (OperatorSet::backward).
  static variable_list backward(AutogradContext* context, const variable_list&) {
    const variable_list saved = context->get_saved_variables();
    return {saved[0], saved[1], at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

ops::HeadLoss head_loss(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets, float z_weight,
                        at::ScalarType type) {
  variable_list outputs = HeadLossNode::apply(hidden, weight, targets, static_cast<double>(z_weight), type);
  return {std::move(outputs[0]), std::move(outputs[1]), std::move(outputs[2])};
}

ops::HeadLoss head_loss_without_gradient(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                                         at::ScalarType type) {
  const at::NoGradGuard without_graph;
  const at::Tensor rows = hidden.reshape({-1, hidden.size(-1)}).to(type);
  const at::Tensor head = weight.to(type);
  const at::Tensor ids = targets.reshape({-1});
  ops::HeadLoss loss;
  loss.cross_entropy = at::empty(targets.sizes(), hidden.options());
  loss.z = at::empty(targets.sizes(), hidden.options());
  for_each_piece(ids.numel(), [&](std::int64_t first, std::int64_t count) {
    const Tokens tokens = losses_of(rows.narrow(0, first, count), head, ids.narrow(0, first, count));
    loss.cross_entropy.view({-1, 1}).narrow(0, first, count).copy_(tokens.cross_entropy);
    loss.z.view({-1, 1}).narrow(0, first, count).copy_(tokens.z);
  });
  return loss;
}

}  // namespace reprise::native_ops
