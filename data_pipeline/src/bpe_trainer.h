#pragma once
// Learns merges from counted words, as the BpeTrainer of Hugging Face tokenizers does (docs/formats/tokenizer.md).

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bpe_model.h"
#include "reprise/core/progress.h"

namespace reprise::data {

/// A pre-token and how often it occurs.
using WordCount = std::pair<std::string, std::int64_t>;

struct BpeTrainingOptions {
  std::uint32_t vocab_size = 0;
  std::uint32_t min_frequency = 0;
  std::string end_of_text;
};

/// Returns the model of `words` (distinct, in any order; the result does not depend on it).
BpeModel train_bpe(const std::vector<WordCount>& words, const BpeTrainingOptions& options, ProgressSink& progress);

}  // namespace reprise::data
