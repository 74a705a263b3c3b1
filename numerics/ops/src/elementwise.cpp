// The residual addition, and the fan-out of a value to several uses.
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct ResidualAddNode : torch::autograd::Function<ResidualAddNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& residual, const at::Tensor& branch) {
    expect_shape(branch, residual.sizes(), "residual_add: branch");
    at::Tensor y = allocate(residual.sizes());
    active_device().add(y.numel(), float_data(residual, "residual_add: residual"),
                        float_data(branch, "residual_add: branch"), mutable_float_data(y, "residual_add: y"));
    context->set_materialize_grads(false);
    return y;
  }

  // Nothing writes into a gradient it was given, so both inputs can share one.
  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    float_data(gradients[0], "residual_add: dy");
    return {gradients[0], gradients[0]};
  }
};

struct FanOutNode : torch::autograd::Function<FanOutNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, std::int64_t num_uses) {
    context->set_materialize_grads(false);
    variable_list uses;
    for (std::int64_t i = 0; i < num_uses; ++i) uses.push_back(x.detach());
    return uses;
  }

  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    const float* before = float_data(gradients[0], "fan_out: gradient of use 1");
    at::Tensor dx = allocate(gradients[0].sizes());
    float* sum = mutable_float_data(dx, "fan_out: dx");
    for (std::size_t use = 1; use < gradients.size(); ++use) {
      const std::string name = fmt::format("fan_out: gradient of use {}", use + 1);
      expect_shape(gradients[use], dx.sizes(), name);
      active_device().add(dx.numel(), before, float_data(gradients[use], name), sum);
      before = sum;
    }
    return {dx, at::Tensor()};
  }
};

}  // namespace

at::Tensor residual_add(const at::Tensor& residual, const at::Tensor& branch) {
  return ResidualAddNode::apply(residual, branch);
}

std::array<at::Tensor, 2> fan_out(const at::Tensor& x) {
  variable_list uses = fan_out(x, 2);
  return {std::move(uses[0]), std::move(uses[1])};
}

std::vector<at::Tensor> fan_out(const at::Tensor& x, std::size_t num_uses) {
  REPRISE_CHECK(num_uses >= 2);
  return FanOutNode::apply(x, static_cast<std::int64_t>(num_uses));
}

}  // namespace reprise::ops
