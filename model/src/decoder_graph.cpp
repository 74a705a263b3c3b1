#include "decoder_graph.h"

#include <ATen/ops/from_blob.h>

#include "reprise/core/error.h"

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
  const std::span<const ops::Parameter> p = all.subspan(1 + layer * kParametersPerLayer, kParametersPerLayer);
  return {p.first<3>(), p[3], p[4], p[5], p[6], std::span<const ops::Parameter, 2>(p.subspan(7, 2)), p[9], p[10]};
}

/// One forward pass: the same graph in any profile.
struct Layers {
  const ops::OperatorSet& op;
  const DecoderConstants& constants;
  const at::Tensor& document_starts;

  at::Tensor norm(const at::Tensor& x, const ops::Parameter& weight) const {
    return op.rms_norm(x, weight, constants.norm_epsilon);
  }

  at::Tensor attention_sublayer(const LayerParameters& layer, const at::Tensor& x) const {
    const std::vector<at::Tensor> qkv = op.joint_linear(x, layer.qkv);
    const at::Tensor q = op.rope(norm(qkv[0], layer.q_norm), constants.cos, constants.sin);
    const at::Tensor k = op.rope(norm(qkv[1], layer.k_norm), constants.cos, constants.sin);
    const at::Tensor mixed = op.attention(q, k, qkv[2], constants.num_heads, document_starts);
    return norm(op.linear(mixed, layer.output), layer.attention_norm);
  }

  at::Tensor feed_forward_sublayer(const LayerParameters& layer, const at::Tensor& x) const {
    const std::vector<at::Tensor> gate_up = op.joint_linear(x, layer.gate_up);
    const at::Tensor product = op.swiglu(gate_up[0], gate_up[1]);
    return norm(op.linear(product, layer.down), layer.feed_forward_norm);
  }
};

}  // namespace

std::vector<ops::Parameter> parameter_views(const TensorLayout& layout, std::span<float> weights,
                                            std::span<const std::span<float>> gradients) {
  std::vector<ops::Parameter> parameters;
  parameters.reserve(layout.entries().size());
  for (const TensorLayout::Entry& entry : layout.entries()) {
    ops::Parameter parameter;
    parameter.weight = at::from_blob(weights.data() + entry.offset, entry.spec.shape, at::kFloat);
    for (const std::span<float>& gradient : gradients) {
      parameter.gradients.push_back(at::from_blob(gradient.data() + entry.offset, entry.spec.shape, at::kFloat));
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
                          const at::Tensor& document_starts) {
  REPRISE_CHECK_EQ(parameters.size(), 3 + constants.num_layers * kParametersPerLayer);
  const Layers layers{operators, constants, document_starts};
  at::Tensor x = operators.embedding(ids, parameters.front());
  for (std::size_t index = 0; index < constants.num_layers; ++index) {
    const LayerParameters layer = layer_parameters(parameters, index);
    // In forward order a value's first use is the sublayer, its second the residual addition.
    const auto [attention_input, attention_residual] = operators.fan_out(x);
    x = operators.residual_add(attention_residual, layers.attention_sublayer(layer, attention_input));
    const auto [feed_forward_input, feed_forward_residual] = operators.fan_out(x);
    x = operators.residual_add(feed_forward_residual, layers.feed_forward_sublayer(layer, feed_forward_input));
  }
  return layers.norm(x, parameters[parameters.size() - 2]);
}

}  // namespace reprise::model
