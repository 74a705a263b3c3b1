#pragma once
// Learns merges from counted words, as the BpeTrainer of Hugging Face tokenizers does (docs/formats/tokenizer.md).

#include <cstdint>
#include <string>

#include "bpe_model.h"
#include "reprise/core/progress.h"
#include "word_counts.h"

namespace reprise::data {

struct BpeTrainingOptions {
  std::uint32_t vocab_size = 0;
  std::uint32_t min_frequency = 0;
  std::string end_of_text;
};

/// Returns the model of `words`; the result does not depend on their order.
BpeModel train_bpe(const WordCounts& words, const BpeTrainingOptions& options, ProgressSink& progress);

}  // namespace reprise::data
