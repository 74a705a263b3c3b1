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
  active_device().gemm_nn_concatenated(rows, dim, parts, mutable_float_data(dx, "linear: dx"), dim);
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
    active_device().gemm_tn(width, dim, rows, float_data(dy, "linear: dy") + first * width, width,
                            float_data(x, "linear: x") + first * dim, dim,
                            mutable_float_data(dws[grain], "linear: dweight"), dim);
  }
  return dws[0];
}

/// The same for a bias, from the rows of dy alone.
at::Tensor bias_gradient(const at::Tensor& bias, std::span<const at::Tensor> destinations, const at::Tensor& dy) {
  const std::int64_t width = bias.size(0);
  const std::vector<at::Tensor> dbs = gradients_of(bias, destinations);
  const std::int64_t rows = rows_per_grain(num_rows(dy), dbs.size());
  for (std::size_t grain = 0; grain < dbs.size(); ++grain) {
    active_device().bias_gradient(rows, width,
                                  float_data(dy, "linear: dy") + static_cast<std::int64_t>(grain) * rows * width,
                                  mutable_float_data(dbs[grain], "linear: dbias"));
  }
  return dbs[0];
}

variable_list products(const at::Tensor& x, at::TensorList weights) {
  const std::int64_t dim = x.size(-1);
  variable_list outputs;
  std::vector<numerics::GemmOutput> products;
  for (const at::Tensor& weight : weights) {
    const std::int64_t width = weight.size(0);
    expect_shape(weight, {width, dim}, "linear: weight");
    outputs.push_back(allocate(with_last_size(x, width)));
    products.push_back(
        {float_data(weight, "linear: weight"), dim, width, mutable_float_data(outputs.back(), "linear: y"), width});
  }
  active_device().gemm_nt_joint(num_rows(x), dim, float_data(x, "linear: x"), dim, products);
  return outputs;
}

void add_bias(const at::Tensor& bias, const at::Tensor& y) {
  expect_shape(bias, {y.size(-1)}, "linear: bias");
  active_device().add_bias(num_rows(y), y.size(-1), float_data(bias, "linear: bias"),
                           mutable_float_data(y, "linear: y"));
}

// The parameters are the weights, then the biases there are; bias_index says which parameter is the bias of each
// output, -1 for none. Saved: x, then the parameters, then the destinations of their gradients, as many for each.
struct JointLinearNode : torch::autograd::Function<JointLinearNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, at::TensorList parameters,
                               const variable_list& destinations, const std::vector<std::int64_t>& bias_index) {
    variable_list saved = {x};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    saved.insert(saved.end(), destinations.begin(), destinations.end());
    const variable_list outputs = products(x, parameters.slice(0, bias_index.size()));
    for (std::size_t i = 0; i < bias_index.size(); ++i) {
      if (bias_index[i] >= 0) add_bias(parameters[static_cast<std::size_t>(bias_index[i])], outputs[i]);
    }
    context->set_materialize_grads(false);
    context->save_for_backward(std::move(saved));
    context->saved_data["bias_index"] = bias_index;
    context->saved_data["num_parameters"] = static_cast<std::int64_t>(parameters.size());
    return outputs;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const std::vector<std::int64_t> bias_index = context->saved_data["bias_index"].toIntVector();
    const auto num_parameters = static_cast<std::size_t>(context->saved_data["num_parameters"].toInt());
    const std::span<const at::Tensor> parameters = std::span(saved).subspan(1, num_parameters);
    const std::span<const at::Tensor> destinations = std::span(saved).subspan(1 + num_parameters);
    const std::size_t num_grains = destinations.size() / num_parameters;
    variable_list result(3 + num_parameters);  // the two last arguments have none
    result[0] = input_gradient(saved[0], parameters.first(gradients.size()), gradients);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      result[1 + i] =
          weight_gradient(saved[0], parameters[i], destinations.subspan(i * num_grains, num_grains), gradients[i]);
      if (bias_index[i] < 0) continue;
      const auto bias = static_cast<std::size_t>(bias_index[i]);
      result[1 + bias] =
          bias_gradient(parameters[bias], destinations.subspan(bias * num_grains, num_grains), gradients[i]);
    }
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> joint_linear(const at::Tensor& x, std::span<const Parameter> weights,
                                     std::span<const Parameter> biases) {
  REPRISE_CHECK(biases.empty() || biases.size() == weights.size());
  variable_list values;
  variable_list destinations;
  const auto add = [&](const Parameter& parameter) {
    values.push_back(parameter.weight);
    REPRISE_CHECK_EQ(parameter.gradients.size(), weights[0].gradients.size());
    destinations.insert(destinations.end(), parameter.gradients.begin(), parameter.gradients.end());
  };
  for (const Parameter& weight : weights) add(weight);
  std::vector<std::int64_t> bias_index(weights.size(), -1);
  for (std::size_t i = 0; i < biases.size(); ++i) {
    if (!biases[i].weight.defined()) continue;
    bias_index[i] = static_cast<std::int64_t>(values.size());
    add(biases[i]);
  }
  return JointLinearNode::apply(x, at::TensorList(values), destinations, bias_index);
}

at::Tensor linear(const at::Tensor& x, const Parameter& weight, const Parameter& bias) {
  return joint_linear(x, {&weight, 1}, {&bias, 1})[0];
}

}  // namespace reprise::ops
