#include <torch/csrc/autograd/custom_function.h>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/ops/operators.h"
#include "tensors.h"

namespace reprise::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// dx = [dy_0 dy_1 ...] [W_0; W_1; ...]: one product over the concatenated outputs.
at::Tensor input_gradient(const at::Tensor& x, std::span<const at::Tensor> weights, const variable_list& gradients) {
  const std::int64_t rows = num_rows(x);
  const std::int64_t dim = x.size(-1);
  std::vector<numerics::GemmPart> parts;
  parts.reserve(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::int64_t width = weights[i].size(0);
    parts.push_back(
        {float_data(gradients[i], "linear: dy"), width, float_data(weights[i], "linear: weight"), dim, width});
  }
  at::Tensor dx = allocate(x.sizes());
  numerics::gemm_nn_concatenated(rows, dim, parts, mutable_float_data(dx, "linear: dx"), dim);
  return dx;
}

/// Writes the gradient of each grain and returns the first.
at::Tensor weight_gradient(const at::Tensor& x, const at::Tensor& weight, std::span<const at::Tensor> destinations,
                           const at::Tensor& dy) {
  const std::int64_t width = weight.size(0);
  const std::int64_t dim = weight.size(1);
  const std::vector<at::Tensor> dws = gradients_of(weight, destinations);
  const std::int64_t rows = rows_per_grain(num_rows(x), dws.size());
  for (std::size_t grain = 0; grain < dws.size(); ++grain) {
    const std::int64_t first = static_cast<std::int64_t>(grain) * rows;
    numerics::gemm_tn(width, dim, rows, float_data(dy, "linear: dy") + first * width, width,
                      float_data(x, "linear: x") + first * dim, dim, mutable_float_data(dws[grain], "linear: dweight"),
                      dim);
  }
  return dws[0];
}

// Saved: x, then the weights, then the destinations of their gradients, as many for each.
struct JointLinearNode : torch::autograd::Function<JointLinearNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, at::TensorList weights,
                               const variable_list& destinations) {
    const std::int64_t rows = num_rows(x);
    const std::int64_t dim = x.size(-1);
    variable_list saved = {x};
    saved.insert(saved.end(), weights.begin(), weights.end());
    saved.insert(saved.end(), destinations.begin(), destinations.end());
    variable_list outputs;
    outputs.reserve(weights.size());
    for (const at::Tensor& weight : weights) {
      const std::int64_t width = weight.size(0);
      expect_shape(weight, {width, dim}, "linear: weight");
      at::Tensor y = allocate(with_last_size(x, width));
      numerics::gemm_nt(rows, width, dim, float_data(x, "linear: x"), dim, float_data(weight, "linear: weight"), dim,
                        mutable_float_data(y, "linear: y"), width);
      outputs.push_back(std::move(y));
    }
    context->set_materialize_grads(false);
    context->save_for_backward(std::move(saved));
    return outputs;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const std::size_t count = gradients.size();
    const std::span<const at::Tensor> weights(saved.data() + 1, count);
    const std::span<const at::Tensor> destinations = std::span(saved).subspan(1 + count);
    const std::size_t num_grains = destinations.size() / count;
    variable_list result(2 + count);
    result[0] = input_gradient(saved[0], weights, gradients);
    for (std::size_t i = 0; i < count; ++i) {
      result[1 + i] =
          weight_gradient(saved[0], weights[i], destinations.subspan(i * num_grains, num_grains), gradients[i]);
    }
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> joint_linear(const at::Tensor& x, std::span<const Parameter> weights) {
  variable_list values;
  variable_list destinations;
  for (const Parameter& parameter : weights) {
    values.push_back(parameter.weight);
    REPRISE_CHECK_EQ(parameter.gradients.size(), weights[0].gradients.size());
    destinations.insert(destinations.end(), parameter.gradients.begin(), parameter.gradients.end());
  }
  return JointLinearNode::apply(x, at::TensorList(values), destinations);
}

at::Tensor linear(const at::Tensor& x, const Parameter& weight) { return joint_linear(x, {&weight, 1})[0]; }

}  // namespace reprise::ops
