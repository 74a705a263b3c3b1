#include "decoder_scorer.h"

#include <fmt/core.h>

#include <algorithm>

#include "reprise/configs/profile.h"
#include "reprise/core/error.h"
#include "reprise/model/schema.h"

namespace reprise::eval {
namespace {

void check_same_tensors(const TensorLayout& expected, const checkpoints::LoadedCheckpoint& checkpoint) {
  const auto& ours = expected.entries();
  const auto& theirs = checkpoint.layout.entries();
  const std::string path = checkpoint.info.path.string();
  REPRISE_REQUIRE(ours.size() == theirs.size(), ErrorKind::kCheckpoint,
                  fmt::format("{} holds another model: {} tensors instead of {}", path, theirs.size(), ours.size()),
                  "evaluate the checkpoint with the recipe of its own run");
  for (std::size_t i = 0; i < ours.size(); ++i) {
    REPRISE_REQUIRE(ours[i].spec.name == theirs[i].spec.name && ours[i].spec.shape == theirs[i].spec.shape,
                    ErrorKind::kCheckpoint,
                    fmt::format("{} holds another model: tensor {} is {} instead of {}", path, i, theirs[i].spec.name,
                                ours[i].spec.name),
                    "evaluate the checkpoint with the recipe of its own run");
  }
}

}  // namespace

DecoderScorer::DecoderScorer(const configs::Recipe& recipe)
    : layout_(model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(),
                                      recipe.train().adamw().decay_embeddings())),
      weights_(static_cast<std::size_t>(layout_.num_elements())),
      decoder_(recipe.model(), recipe.tokenizer().vocab_size(), recipe.train().sequence_length(), layout_, weights_,
               std::nullopt, configs::document_end(recipe)) {}

void DecoderScorer::load(const checkpoints::LoadedCheckpoint& checkpoint) {
  check_same_tensors(layout_, checkpoint);
  REPRISE_CHECK_EQ(checkpoint.weights.size(), weights_.size());
  std::copy(checkpoint.weights.begin(), checkpoint.weights.end(), weights_.begin());
}

std::vector<float> DecoderScorer::score(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                                        std::int64_t num_sequences, std::int64_t length) const {
  return decoder_.score(inputs, targets, num_sequences, length);
}

}  // namespace reprise::eval
