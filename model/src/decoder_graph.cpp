#include "decoder_graph.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "gradient_parts.h"
#include "recompute.h"
#include "reprise/core/error.h"
#include "reprise/ops/device_scope.h"

namespace reprise::model {
namespace {

// The parameters of one layer, in schema order.
struct LayerParameters {
  std::span<const ops::Parameter, 3> qkv;
  const ops::Parameter& output;
  const ops::Parameter& q_norm;
  const ops::Parameter& k_norm;
  const ops::Parameter& attention_norm;
  std::span<const ops::Parameter, 2> gate_up;
  const ops::Parameter& down;
  const ops::Parameter& feed_forward_norm;
};
constexpr std::size_t kParametersPerLayer = 11;

LayerParameters layer_parameters(std::span<const ops::Parameter> all, std::size_t layer) {
  const std::span<const ops::Parameter> p = all.subspan(first_tensor_of_layer(layer), kParametersPerLayer);
  return {p.first<3>(), p[3], p[4], p[5], p[6], std::span<const ops::Parameter, 2>(p.subspan(7, 2)), p[9], p[10]};
}

/// One forward pass: the same graph in any profile.
struct Layers {
  const ops::OperatorSet& op;
  const DecoderConstants& constants;
  std::span<const ops::Parameter> parameters;
  const PassOptions& options;

  at::Tensor norm(const at::Tensor& x, const ops::Parameter& weight) const {
    return op.rms_norm(x, weight, constants.norm_epsilon);
  }

  at::Tensor norm_rope(const at::Tensor& x, const ops::Parameter& weight) const {
    return op.norm_rope(x, weight, constants.norm_epsilon, constants.cos, constants.sin);
  }

  at::Tensor norm_add(const at::Tensor& residual, const at::Tensor& x, const ops::Parameter& weight) const {
    return op.norm_add(residual, x, weight, constants.norm_epsilon);
  }

  /// A sublayer's output is normalised as it is added to the residual stream.
  at::Tensor attention_sublayer(const LayerParameters& layer, const at::Tensor& x) const {
    const std::vector<at::Tensor> qkv = op.joint_linear(x, layer.qkv);
    const at::Tensor q = norm_rope(qkv[0], layer.q_norm);
    const at::Tensor k = norm_rope(qkv[1], layer.k_norm);
    const at::Tensor mixed = op.attention(q, k, qkv[2], constants.num_heads, options.document_starts);
    return op.linear(mixed, layer.output);
  }

  at::Tensor feed_forward_sublayer(const LayerParameters& layer, const at::Tensor& x) const {
    const std::vector<at::Tensor> gate_up = op.joint_linear(x, layer.gate_up);
    const at::Tensor product = op.swiglu(gate_up[0], gate_up[1]);
    return op.linear(product, layer.down);
  }

  /// Announces, when the gradient of `x` is complete, that those of all tensors from `first_tensor` on are: every use
  /// of them lies behind x.
  void announce(const at::Tensor& x, std::size_t first_tensor) const {
    if (!options.on_gradients || !x.requires_grad()) return;
    x.register_hook([&tell = options.on_gradients, first_tensor](const at::Tensor&) { tell(first_tensor); });
  }

  at::Tensor layer(const at::Tensor& input, std::size_t index) const {
    const LayerParameters layer = layer_parameters(parameters, index);
    // In forward order a value's first use is the sublayer, its second the residual addition.
    const auto [attention_input, attention_residual] = op.fan_out(input);
    const at::Tensor x = norm_add(attention_residual, attention_sublayer(layer, attention_input), layer.attention_norm);
    const auto [feed_forward_input, feed_forward_residual] = op.fan_out(x);
    return norm_add(feed_forward_residual, feed_forward_sublayer(layer, feed_forward_input), layer.feed_forward_norm);
  }

  /// Layers [first, last). The input of the first one is announced by the caller.
  at::Tensor run(at::Tensor x, std::size_t first, std::size_t last) const {
    for (std::size_t index = first; index < last; ++index) {
      if (index > first) announce(x, first_tensor_of_layer(index));
      x = layer(x, index);
    }
    return x;
  }

  at::Tensor run_again_backward(const at::Tensor& x, std::size_t first, std::size_t last) const {
    const std::size_t begin = first_tensor_of_layer(first);
    const std::span<const ops::Parameter> used = parameters.subspan(begin, first_tensor_of_layer(last) - begin);
    // By value: the backward pass runs when this object is gone.
    return recomputed(x, used, [*this, first, last](const at::Tensor& input) { return run(input, first, last); });
  }
};

}  // namespace

std::size_t first_tensor_of_layer(std::size_t layer) { return 1 + layer * kParametersPerLayer; }

std::vector<ops::Parameter> parameter_views(const TensorLayout& layout, std::span<float> weights,
                                            std::span<const std::span<float>> gradients, const at::Tensor& operands) {
  std::vector<ops::Parameter> parameters;
  parameters.reserve(layout.entries().size());
  for (const TensorLayout::Entry& entry : layout.entries()) {
    ops::Parameter parameter;
    parameter.weight = ops::view_of(weights.data() + entry.offset, entry.spec.shape);
    for (const std::span<float>& gradient : gradients) {
      parameter.gradients.push_back(ops::view_of(gradient.data() + entry.offset, entry.spec.shape));
    }
    if (operands.defined()) {
      parameter.operand = operands.narrow(0, entry.offset, entry.spec.num_elements()).view(entry.spec.shape);
    }
    if (!gradients.empty()) parameter.weight.set_requires_grad(true);
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

at::Tensor id_view(std::span<const std::int32_t> ids, std::int64_t num_sequences, std::int64_t length) {
  // LibTorch has no tensor of constants; operators read ids through const pointers alone.
  return at::from_blob(const_cast<std::int32_t*>(ids.data()), {num_sequences, length}, at::kInt);
}

at::Tensor forward_hidden(const ops::OperatorSet& operators, const DecoderConstants& constants,
                          std::span<const ops::Parameter> parameters, const at::Tensor& ids,
                          const PassOptions& options) {
  REPRISE_CHECK_EQ(parameters.size(), first_tensor_of_layer(constants.num_layers) + 2);
  const Layers layers{operators, constants, parameters, options};
  const std::size_t recompute = options.recompute_layers;
  at::Tensor x = operators.embedding(ids, parameters.front());
  for (std::size_t first = 0; first < constants.num_layers;) {
    const std::size_t last = recompute == 0 ? first + 1 : std::min(first + recompute, constants.num_layers);
    layers.announce(x, first_tensor_of_layer(first));
    x = recompute == 0 ? layers.run(x, first, last) : layers.run_again_backward(x, first, last);
    first = last;
  }
  layers.announce(x, first_tensor_of_layer(constants.num_layers));
  return layers.norm(x, parameters[parameters.size() - 2]);
}

ops::HeadLoss compute_losses_and_gradients(const ops::OperatorSet& operators, const DecoderConstants& constants,
                                           std::span<const ops::Parameter> parameters, const at::Tensor& ids,
                                           const at::Tensor& targets, float z_weight, const PassOptions& options) {
  const at::AutoGradMode with_graph(true);
  const at::Tensor hidden = forward_hidden(operators, constants, parameters, ids, options);
  ops::HeadLoss loss = operators.head_loss(hidden, parameters.back(), targets, z_weight);
  operators.backward(loss.root, parameters);
  return loss;
}

ops::HeadLoss compute_losses_and_gradients(const ops::OperatorSet& operators, const DecoderConstants& constants,
                                           PassGradients& gradients, const at::Tensor& ids, const at::Tensor& targets,
                                           float z_weight, const PassOptions& options) {
  ops::HeadLoss loss =
      compute_losses_and_gradients(operators, constants, gradients.parameters(), ids, targets, z_weight, options);
  gradients.complete_from(0);
  return loss;
}

at::Tensor compute_scores(const ops::OperatorSet& operators, const DecoderConstants& constants,
                          std::span<const ops::Parameter> parameters, const at::Tensor& ids, const at::Tensor& targets,
                          const PassOptions& options) {
  const at::NoGradGuard without_graph;
  const at::Tensor hidden = forward_hidden(operators, constants, parameters, ids, options);
  return operators.head_loss_without_gradient(hidden, parameters.back(), targets).cross_entropy;
}

}  // namespace reprise::model
