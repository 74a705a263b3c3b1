#pragma once
// The parameters of a model: names (as in Hugging Face's Olmo2ForCausalLM), shapes, order. No LibTorch.

#include <cstdint>
#include <span>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/tensor_layout.h"

namespace reprise::model {

/// Returns the layout of the parameters in schema order: embedding, layers (q, k, v, o, q_norm, k_norm,
/// post_attention_layernorm, gate, up, down, post_feedforward_layernorm), final norm, head.
TensorLayout parameter_layout(const configs::ModelRecipe& model, std::uint32_t vocab_size, bool decay_embeddings);

/// Fills `flat` (layout.num_elements() floats) with the initial weights: truncated normal for matrices, 1 for norms,
/// 0 for padding. Philox counter words and the map to the normal: docs/numeric_contract.md.
void initialize_parameters(const TensorLayout& layout, const configs::ModelRecipe& model, std::uint64_t seed,
                           std::span<float> flat);

}  // namespace reprise::model
