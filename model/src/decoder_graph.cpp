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

at::Tensor attention_sublayer(const DecoderConstants& constants, const LayerParameters& layer, const at::Tensor& x) {
  const std::vector<at::Tensor> qkv = ops::joint_linear(x, layer.qkv);
  const at::Tensor q =
      ops::rope(ops::rms_norm(qkv[0], layer.q_norm, constants.norm_epsilon), constants.cos, constants.sin);
  const at::Tensor k =
      ops::rope(ops::rms_norm(qkv[1], layer.k_norm, constants.norm_epsilon), constants.cos, constants.sin);
  const at::Tensor mixed = ops::attention(q, k, qkv[2], constants.num_heads);
  return ops::rms_norm(ops::linear(mixed, layer.output), layer.attention_norm, constants.norm_epsilon);
}

at::Tensor feed_forward_sublayer(const DecoderConstants& constants, const LayerParameters& layer, const at::Tensor& x) {
  const std::vector<at::Tensor> gate_up = ops::joint_linear(x, layer.gate_up);
  const at::Tensor product = ops::swiglu(gate_up[0], gate_up[1]);
  return ops::rms_norm(ops::linear(product, layer.down), layer.feed_forward_norm, constants.norm_epsilon);
}

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

at::Tensor forward_hidden(const DecoderConstants& constants, std::span<const ops::Parameter> parameters,
                          const at::Tensor& ids) {
  REPRISE_CHECK_EQ(parameters.size(), 3 + constants.num_layers * kParametersPerLayer);
  at::Tensor x = ops::embedding(ids, parameters.front());
  for (std::size_t index = 0; index < constants.num_layers; ++index) {
    const LayerParameters layer = layer_parameters(parameters, index);
    // In forward order a value's first use is the sublayer, its second the residual addition.
    const auto [attention_input, attention_residual] = ops::fan_out(x);
    x = ops::residual_add(attention_residual, attention_sublayer(constants, layer, attention_input));
    const auto [feed_forward_input, feed_forward_residual] = ops::fan_out(x);
    x = ops::residual_add(feed_forward_residual, feed_forward_sublayer(constants, layer, feed_forward_input));
  }
  return ops::rms_norm(x, parameters[parameters.size() - 2], constants.norm_epsilon);
}

}  // namespace reprise::model
