// SwiGLU, the residual addition, and the fan-out of a value to two uses.
#include <torch/csrc/autograd/custom_function.h>

#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct SwigluNode : torch::autograd::Function<SwigluNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate, const at::Tensor& up) {
    expect_shape(up, gate.sizes(), "swiglu: up");
    at::Tensor y = allocate(gate.sizes());
    numerics::swiglu_forward(gate.numel(), float_data(gate, "swiglu: gate"), float_data(up, "swiglu: up"),
                             mutable_float_data(y, "swiglu: y"));
    context->set_materialize_grads(false);
    context->save_for_backward({gate, up});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    at::Tensor dgate = allocate(saved[0].sizes());
    at::Tensor dup = allocate(saved[0].sizes());
    numerics::swiglu_backward(saved[0].numel(), float_data(saved[0], "swiglu: gate"),
                              float_data(saved[1], "swiglu: up"), float_data(gradients[0], "swiglu: dy"),
                              mutable_float_data(dgate, "swiglu: dgate"), mutable_float_data(dup, "swiglu: dup"));
    return {dgate, dup};
  }
};

struct ResidualAddNode : torch::autograd::Function<ResidualAddNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& residual, const at::Tensor& branch) {
    expect_shape(branch, residual.sizes(), "residual_add: branch");
    at::Tensor y = allocate(residual.sizes());
    numerics::add(y.numel(), float_data(residual, "residual_add: residual"), float_data(branch, "residual_add: branch"),
                  mutable_float_data(y, "residual_add: y"));
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
  static variable_list forward(AutogradContext* context, const at::Tensor& x) {
    context->set_materialize_grads(false);
    return {x.detach(), x.detach()};
  }

  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    const float* first = float_data(gradients[0], "fan_out: gradient of the first use");
    const float* second = float_data(gradients[1], "fan_out: gradient of the second use");
    at::Tensor dx = allocate(gradients[0].sizes());
    numerics::add(dx.numel(), first, second, mutable_float_data(dx, "fan_out: dx"));
    return {dx};
  }
};

}  // namespace

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) { return SwigluNode::apply(gate, up); }

at::Tensor residual_add(const at::Tensor& residual, const at::Tensor& branch) {
  return ResidualAddNode::apply(residual, branch);
}

std::array<at::Tensor, 2> fan_out(const at::Tensor& x) {
  variable_list uses = FanOutNode::apply(x);
  return {std::move(uses[0]), std::move(uses[1])};
}

}  // namespace reprise::ops
