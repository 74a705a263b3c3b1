#include "decoder_scorer.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "reprise/configs/profile.h"
#include "reprise/core/error.h"
#include "reprise/model/schema.h"

namespace reprise::eval {
namespace {

model::DeviceWeights weights_on(numerics::Device* device, const TensorLayout& layout,
                                std::optional<numerics::DeviceMemory>& memory) {
  if (device == nullptr) return {};
  return {device, memory.emplace(*device).take<float>(layout.num_elements())};
}

}  // namespace

DecoderScorer::DecoderScorer(const configs::Recipe& recipe, std::shared_ptr<numerics::Device> device)
    : layout_(model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(),
                                      recipe.train().adamw().decay_embeddings())),
      weights_(static_cast<std::size_t>(layout_.num_elements())),
      device_(std::move(device)),
      device_weights_(weights_on(device_.get(), layout_, device_memory_)),
      decoder_(recipe.model(), recipe.tokenizer().vocab_size(), recipe.train().sequence_length(), layout_, weights_,
               std::nullopt, configs::document_end(recipe), 0, device_weights_) {}

void DecoderScorer::load(const checkpoints::LoadedCheckpoint& checkpoint) {
  const std::optional<std::string> difference = first_difference(layout_, checkpoint.layout);
  REPRISE_REQUIRE(!difference, ErrorKind::kCheckpoint,
                  fmt::format("{} holds another model: {}", checkpoint.info.path.string(), *difference),
                  "evaluate the checkpoint with the recipe of its own run");
  REPRISE_CHECK_EQ(checkpoint.weights.size(), weights_.size());
  std::copy(checkpoint.weights.begin(), checkpoint.weights.end(), weights_.begin());
  if (device_) device_->write(device_weights_.weights, weights_.data(), weights_.size() * sizeof(float));
}

std::vector<float> DecoderScorer::score(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                                        std::int64_t num_sequences, std::int64_t length) const {
  return decoder_.score(inputs, targets, num_sequences, length);
}

std::size_t DecoderScorer::batch_tokens() const { return static_cast<std::size_t>(decoder_.score_batch_tokens()); }

}  // namespace reprise::eval
