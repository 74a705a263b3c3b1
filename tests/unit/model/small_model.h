#pragma once
// The small model of tests/peers/olmo2_reference.py: its shape, and its weights and tokens by the same integer hash.

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

struct SmallModel {
  static constexpr std::uint32_t kVocabSize = 61;
  static constexpr std::int64_t kSequences = 2;
  static constexpr std::int64_t kLength = 12;
  static constexpr float kZWeight = 0.01f;

  configs::ModelRecipe recipe;
  TensorLayout layout;
  std::vector<float> weights;
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> targets;

  SmallModel() {
    recipe.set_hidden_size(16);
    recipe.set_num_layers(2);
    recipe.set_num_heads(2);
    recipe.set_ffn_size(24);
    layout = parameter_layout(recipe, kVocabSize, false);
    weights.assign(static_cast<std::size_t>(layout.num_elements()), 0.0f);
    for (std::size_t index = 0; index < layout.entries().size(); ++index) fill(index);
    for (std::uint32_t i = 0; i < kSequences * kLength; ++i) {
      inputs.push_back(static_cast<std::int32_t>(hash32(1000, i) % kVocabSize));
      targets.push_back(i % 7 == 3 ? -1 : static_cast<std::int32_t>(hash32(1001, i) % kVocabSize));
    }
  }

  Decoder decoder(std::int64_t max_length = kLength) {
    return Decoder(recipe, kVocabSize, max_length, layout, weights);
  }

  std::vector<float> new_gradient() const { return std::vector<float>(weights.size(), -7.0f); }

 private:
  void fill(std::size_t index) {
    const TensorLayout::Entry& entry = layout.entries()[index];
    for (std::uint32_t i = 0; i < entry.spec.num_elements(); ++i) {
      const double value = fraction(static_cast<std::uint32_t>(index), i) * 0.5;
      weights[static_cast<std::size_t>(entry.offset) + i] =
          static_cast<float>(entry.spec.shape.size() == 1 ? 1.0 + value : value);
    }
  }
};

}  // namespace reprise::model
