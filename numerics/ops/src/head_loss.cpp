// The end of the graph: head, cross-entropy and z-loss in one node.
#include <torch/csrc/autograd/custom_function.h>

#include <limits>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void expect_head_shapes(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets) {
  REPRISE_CHECK_EQ(weight.dim(), 2);
  expect_shape(weight, {weight.size(0), hidden.size(-1)}, "head_loss: weight");
  REPRISE_CHECK_EQ(targets.numel(), num_rows(hidden));
}

// Returns {root, cross_entropy, z}. The value of the root is for a reader of the graph: what is logged is summed from
// the tokens by the trainer. On another device than the CPU nobody waits for it, and it is NaN.
struct HeadLossNode : torch::autograd::Function<HeadLossNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight,
                               const Destinations& destinations, const at::Tensor& targets, double z_weight) {
    expect_head_shapes(hidden, weight, targets);
    at::Tensor root = allocate_scalar();
    at::Tensor cross_entropy = allocate(targets.sizes());
    at::Tensor z = allocate(targets.sizes());
    at::Tensor dhidden = allocate(hidden.sizes());
    const std::vector<at::Tensor> dweights = gradients_of(weight, destinations.tensors);
    const std::int64_t dim = hidden.size(-1);
    const std::int64_t tokens = rows_per_grain(targets.numel(), dweights.size());
    for (std::size_t grain = 0; grain < dweights.size(); ++grain) {
      const std::int64_t first = static_cast<std::int64_t>(grain) * tokens;
      active_device().head_loss_forward_backward(
          tokens, dim, weight.size(0), float_data(hidden, "head_loss: hidden") + first * dim,
          float_data(weight, "head_loss: weight"), int32_data(targets, "head_loss: targets") + first,
          static_cast<float>(z_weight), mutable_float_data(cross_entropy, "head_loss: cross_entropy") + first,
          mutable_float_data(z, "head_loss: z") + first,
          mutable_float_data(dhidden, "head_loss: dhidden") + first * dim,
          mutable_float_data(dweights[grain], "head_loss: dweight"));
    }
    *scalar_data(root, "head_loss: root") =
        cross_entropy.is_cpu() ? sum_of_losses(cross_entropy, z, z_weight) : std::numeric_limits<float>::quiet_NaN();
    context->set_materialize_grads(false);
    context->mark_non_differentiable({cross_entropy, z});
    context->save_for_backward({dhidden, dweights[0]});
    return {root, cross_entropy, z};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    REPRISE_CHECK_EQ(*scalar_data(gradients[0], "head_loss: gradient of the root"), 1.0f);
    const variable_list saved = context->get_saved_variables();
    return {saved[0], saved[1], at::Tensor(), at::Tensor(), at::Tensor()};
  }

 private:
  static float sum_of_losses(const at::Tensor& cross_entropy, const at::Tensor& z, double z_weight) {
    const float* ce_values = cross_entropy.const_data_ptr<float>();
    const float* z_values = z.const_data_ptr<float>();
    double sum = 0;
    for (std::int64_t i = 0; i < z.numel(); ++i) sum += double{ce_values[i]} + z_weight * double{z_values[i]};
    return static_cast<float>(sum);
  }
};

}  // namespace

HeadLoss head_loss(const at::Tensor& hidden, const Parameter& weight, const at::Tensor& targets, float z_weight) {
  variable_list outputs = HeadLossNode::apply(hidden, weight.weight, Destinations{weight.gradients}, targets,
                                              static_cast<double>(z_weight));
  return {std::move(outputs[0]), std::move(outputs[1]), std::move(outputs[2])};
}

HeadLoss head_loss_without_gradient(const at::Tensor& hidden, const Parameter& weight, const at::Tensor& targets) {
  expect_head_shapes(hidden, weight.weight, targets);
  HeadLoss loss;
  loss.cross_entropy = allocate(targets.sizes());
  loss.z = allocate(targets.sizes());
  active_device().head_loss_forward(
      targets.numel(), hidden.size(-1), weight.weight.size(0), float_data(hidden, "head_loss: hidden"),
      float_data(weight.weight, "head_loss: weight"), int32_data(targets, "head_loss: targets"),
      mutable_float_data(loss.cross_entropy, "head_loss: cross_entropy"), mutable_float_data(loss.z, "head_loss: z"));
  return loss;
}

}  // namespace reprise::ops
