// Activations and gated units.
#include <torch/csrc/autograd/custom_function.h>

#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using numerics::Activation;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Activation saved_activation(AutogradContext* context) {
  return static_cast<Activation>(context->saved_data["activation"].toInt());
}

struct ActivationNode : torch::autograd::Function<ActivationNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, Activation activation) {
    const float* x_data = float_data(x, "activate: x");
    at::Tensor y = allocate(x.sizes());
    active_device().activation_forward(activation, x.numel(), x_data, mutable_float_data(y, "activate: y"));
    context->set_materialize_grads(false);
    context->save_for_backward({x});
    context->saved_data["activation"] = static_cast<std::int64_t>(activation);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    at::Tensor dx = allocate(saved[0].sizes());
    active_device().activation_backward(saved_activation(context), saved[0].numel(),
                                        float_data(saved[0], "activate: x"), float_data(gradients[0], "activate: dy"),
                                        mutable_float_data(dx, "activate: dx"));
    return {dx, at::Tensor()};
  }
};

struct GatedNode : torch::autograd::Function<GatedNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate, const at::Tensor& up,
                            Activation activation) {
    expect_shape(up, gate.sizes(), "gated: up");
    at::Tensor y = allocate(gate.sizes());
    active_device().gated_forward(activation, gate.numel(), float_data(gate, "gated: gate"),
                                  float_data(up, "gated: up"), mutable_float_data(y, "gated: y"));
    context->set_materialize_grads(false);
    context->save_for_backward({gate, up});
    context->saved_data["activation"] = static_cast<std::int64_t>(activation);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    at::Tensor dgate = allocate(saved[0].sizes());
    at::Tensor dup = allocate(saved[0].sizes());
    active_device().gated_backward(saved_activation(context), saved[0].numel(), float_data(saved[0], "gated: gate"),
                                   float_data(saved[1], "gated: up"), float_data(gradients[0], "gated: dy"),
                                   mutable_float_data(dgate, "gated: dgate"), mutable_float_data(dup, "gated: dup"));
    return {dgate, dup, at::Tensor()};
  }
};

}  // namespace

at::Tensor activate(const at::Tensor& x, Activation activation) { return ActivationNode::apply(x, activation); }

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, Activation activation) {
  return GatedNode::apply(gate, up, activation);
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) { return gated(gate, up, Activation::kSilu); }

}  // namespace reprise::ops
