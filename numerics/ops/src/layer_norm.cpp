#include <torch/csrc/autograd/custom_function.h>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// One grain's part of the backward pass; `dbias` is null without a bias.
void backward_of_grain(const variable_list& saved, const at::Tensor& dy, std::int64_t first, std::int64_t rows,
                       at::Tensor& dx, const at::Tensor& dweight, float* dbias) {
  const std::int64_t dim = dy.size(-1);
  active_device().layer_norm_backward(
      rows, dim, float_data(dy, "layer_norm: dy") + first * dim, float_data(saved[0], "layer_norm: x") + first * dim,
      float_data(saved[1], "layer_norm: weight"), float_data(saved[2], "layer_norm: mean") + first,
      float_data(saved[3], "layer_norm: inverse_deviation") + first,
      mutable_float_data(dx, "layer_norm: dx") + first * dim, mutable_float_data(dweight, "layer_norm: dweight"),
      dbias);
}

// `parameters` is the weight, and the bias where there is one. Saved: x, weight, mean, inverse_deviation, the
// destinations of the weight's gradient, those of the bias.
struct LayerNormNode : torch::autograd::Function<LayerNormNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, at::TensorList parameters,
                            const variable_list& destinations, float epsilon) {
    const std::int64_t rows = num_rows(x);
    const std::int64_t dim = x.size(-1);
    const bool has_bias = parameters.size() == 2;
    expect_shape(parameters[0], {dim}, "layer_norm: weight");
    if (has_bias) expect_shape(parameters[1], {dim}, "layer_norm: bias");
    at::Tensor y = allocate(x.sizes());
    at::Tensor mean = allocate({rows});
    at::Tensor inverse_deviation = allocate({rows});
    active_device().layer_norm_forward(
        rows, dim, float_data(x, "layer_norm: x"), float_data(parameters[0], "layer_norm: weight"),
        has_bias ? float_data(parameters[1], "layer_norm: bias") : nullptr, epsilon,
        mutable_float_data(y, "layer_norm: y"), mutable_float_data(mean, "layer_norm: mean"),
        mutable_float_data(inverse_deviation, "layer_norm: inverse_deviation"));
    context->set_materialize_grads(false);
    variable_list saved = {x, parameters[0], mean, inverse_deviation};
    saved.insert(saved.end(), destinations.begin(), destinations.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["has_bias"] = has_bias;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const bool has_bias = context->saved_data["has_bias"].toBool();
    const std::span<const at::Tensor> destinations = std::span(saved).subspan(4);
    const std::size_t count = destinations.size() / (has_bias ? 2 : 1);
    const std::vector<at::Tensor> dweights = gradients_of(saved[1], destinations.first(count));
    std::vector<at::Tensor> dbiases;
    if (has_bias) dbiases = gradients_of(saved[1], destinations.subspan(count));  // as long as the weight
    at::Tensor dx = allocate(saved[0].sizes());
    const std::int64_t rows = rows_per_grain(num_rows(saved[0]), dweights.size());
    for (std::size_t grain = 0; grain < dweights.size(); ++grain) {
      float* dbias = has_bias ? mutable_float_data(dbiases[grain], "layer_norm: dbias") : nullptr;
      backward_of_grain(saved, gradients[0], static_cast<std::int64_t>(grain) * rows, rows, dx, dweights[grain], dbias);
    }
    variable_list result = {dx, dweights[0]};
    if (has_bias) result.push_back(dbiases[0]);
    result.resize(result.size() + 2);  // destinations and epsilon have none
    return result;
  }
};

}  // namespace

at::Tensor layer_norm(const at::Tensor& x, const Parameter& weight, const Parameter& bias, float epsilon) {
  variable_list parameters = {weight.weight};
  variable_list destinations(weight.gradients);
  if (bias.weight.defined()) {
    REPRISE_CHECK_EQ(bias.gradients.size(), weight.gradients.size());
    parameters.push_back(bias.weight);
    destinations.insert(destinations.end(), bias.gradients.begin(), bias.gradients.end());
  }
  return LayerNormNode::apply(x, at::TensorList(parameters), destinations, epsilon);
}

}  // namespace reprise::ops
