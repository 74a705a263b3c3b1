#include "reprise/model/schema.h"

#include <fmt/format.h>

#include "reprise/core/error.h"
#include "reprise/model/gradient_sink.h"

namespace reprise::model {
namespace {

void expect_usable(const configs::ModelRecipe& model, std::uint32_t vocab_size) {
  REPRISE_REQUIRE(model.hidden_size() > 0 && model.num_layers() > 0 && model.num_heads() > 0 && model.ffn_size() > 0,
                  ErrorKind::kConfig, "a size of the model is 0",
                  "set model.hidden_size, num_layers, num_heads, ffn_size");
  REPRISE_REQUIRE(vocab_size > 0, ErrorKind::kConfig, "the vocabulary is empty", "set tokenizer.vocab_size");
  REPRISE_REQUIRE(model.hidden_size() % (2 * model.num_heads()) == 0, ErrorKind::kConfig,
                  fmt::format("model.hidden_size {} does not divide into {} heads of even size", model.hidden_size(),
                              model.num_heads()),
                  "choose a hidden_size that is a multiple of 2 * num_heads");
}

}  // namespace

TensorLayout parameter_layout(const configs::ModelRecipe& model, std::uint32_t vocab_size, bool decay_embeddings) {
  expect_usable(model, vocab_size);
  const std::int64_t hidden = model.hidden_size();
  const std::int64_t ffn = model.ffn_size();
  const std::int64_t vocab = vocab_size;
  std::vector<TensorSpec> specs;
  specs.push_back({"model.embed_tokens.weight", {vocab, hidden}, decay_embeddings});
  for (std::uint32_t layer = 0; layer < model.num_layers(); ++layer) {
    const auto add = [&](const char* name, std::vector<std::int64_t> shape) {
      specs.push_back({fmt::format("model.layers.{}.{}.weight", layer, name), std::move(shape), true});
    };
    add("self_attn.q_proj", {hidden, hidden});
    add("self_attn.k_proj", {hidden, hidden});
    add("self_attn.v_proj", {hidden, hidden});
    add("self_attn.o_proj", {hidden, hidden});
    add("self_attn.q_norm", {hidden});
    add("self_attn.k_norm", {hidden});
    add("post_attention_layernorm", {hidden});
    add("mlp.gate_proj", {ffn, hidden});
    add("mlp.up_proj", {ffn, hidden});
    add("mlp.down_proj", {hidden, ffn});
    add("post_feedforward_layernorm", {hidden});
  }
  specs.push_back({"model.norm.weight", {hidden}, true});
  specs.push_back({"lm_head.weight", {vocab, hidden}, true});
  return TensorLayout(std::move(specs));
}

std::vector<ChunkRange> gradient_parts(const TensorLayout& layout, std::int64_t min_elements) {
  constexpr std::size_t kTensorsPerLayer = 11;
  const std::vector<TensorLayout::Entry>& entries = layout.entries();
  std::vector<ChunkRange> parts;
  std::int64_t end = layout.num_chunks();
  // Tensors at which a part may begin, from the last: the final norm, the first of each layer, the embedding.
  for (std::size_t first = entries.size() - 2; min_elements > 0; first -= kTensorsPerLayer) {
    const std::int64_t begin = entries[first].first_chunk;
    if ((end - begin) * kChunkElements >= min_elements) {
      parts.push_back({begin, end});
      end = begin;
    }
    if (first == 1) break;
  }
  if (end > 0) parts.push_back({0, end});
  return parts;
}

}  // namespace reprise::model
