#pragma once
// The models of tests/peers/olmo2_reference.py: their shapes, and weights and tokens by the same integer hash.

#include <cstdint>
#include <vector>

#include "reprise/model/decoder.h"
#include "reprise/model/schema.h"

namespace reprise::model {

inline std::uint32_t hash32(std::uint32_t stream, std::uint32_t index) {
  std::uint32_t h = stream * 0x9E3779B9u + index * 0x85EBCA6Bu + 0x27D4EB2Fu;
  h = (h ^ (h >> 16)) * 0x7FEB352Du;
  h = (h ^ (h >> 15)) * 0x846CA68Bu;
  return h ^ (h >> 16);
}

/// A multiple of 2^-24 in [-0.5, 0.5).
inline double fraction(std::uint32_t stream, std::uint32_t index) {
  return static_cast<double>(hash32(stream, index) >> 8) * 0x1p-24 - 0.5;
}

struct ModelShape {
  std::uint32_t vocab_size, hidden_size, num_layers, num_heads, ffn_size;
  std::int64_t num_sequences, length;
  double scale;  // weights are uniform in [-scale / 2, scale / 2)
};
inline constexpr ModelShape kSmall = {61, 16, 2, 2, 24, 2, 12, 0.5};
inline constexpr ModelShape kTiny = {4096, 128, 4, 4, 384, 2, 256, 0.125};

struct GrainResult {
  GrainLosses losses;
  std::vector<float> gradient;
};

struct HashedModel {
  static constexpr float kZWeight = 0.01f;

  ModelShape shape;
  configs::ModelRecipe recipe;
  TensorLayout layout;
  std::vector<float> weights;
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> targets;

  explicit HashedModel(const ModelShape& model_shape = kSmall) : shape(model_shape) {
    recipe.set_hidden_size(shape.hidden_size);
    recipe.set_num_layers(shape.num_layers);
    recipe.set_num_heads(shape.num_heads);
    recipe.set_ffn_size(shape.ffn_size);
    layout = parameter_layout(recipe, shape.vocab_size, false);
    weights.assign(static_cast<std::size_t>(layout.num_elements()), 0.0f);
    for (std::size_t index = 0; index < layout.entries().size(); ++index) fill(index);
    for (std::uint32_t i = 0; i < shape.num_sequences * shape.length; ++i) {
      inputs.push_back(static_cast<std::int32_t>(hash32(1000, i) % shape.vocab_size));
      targets.push_back(i % 7 == 3 ? -1 : static_cast<std::int32_t>(hash32(1001, i) % shape.vocab_size));
    }
  }

  Decoder decoder() { return decoder(shape.length); }
  Decoder decoder(std::int64_t max_length) { return Decoder(recipe, shape.vocab_size, max_length, layout, weights); }

  /// A buffer with values that a grain must overwrite.
  std::vector<float> new_gradient() const { return std::vector<float>(weights.size(), -7.0f); }

  GrainResult run(const Decoder& decoder) const {
    GrainResult result;
    result.gradient = new_gradient();
    result.losses = decoder.run_grain(inputs, targets, shape.num_sequences, shape.length, kZWeight, result.gradient);
    return result;
  }

 private:
  void fill(std::size_t index) {
    const TensorLayout::Entry& entry = layout.entries()[index];
    const bool norm = entry.spec.shape.size() == 1;
    for (std::uint32_t i = 0; i < entry.spec.num_elements(); ++i) {
      const double value = fraction(static_cast<std::uint32_t>(index), i);
      weights[static_cast<std::size_t>(entry.offset) + i] =
          static_cast<float>(norm ? 1.0 + value * 0.5 : value * shape.scale);
    }
  }
};

}  // namespace reprise::model
