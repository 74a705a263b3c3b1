#pragma once
// Dropout [C-39]. Which elements are dropped is a function of seed, site, sample and element alone, so the mask is
// never stored and does not depend on how samples are put into batches.

#include <cstdint>

namespace reprise::numerics {

/// Where in a layer a dropout stands. The numbers are part of the contract.
enum class DropoutPlace : std::uint32_t {
  kEmbedding = 0,  // the sum of the embeddings; of layer 0, which is before the first block
  kAttentionProbabilities = 1,
  kAttentionOutput = 2,
  kFeedForwardHidden = 3,
  kFeedForwardOutput = 4,
};

/// Returns the number of a dropout; `layer` counts blocks from 1.
std::uint32_t dropout_site(std::int64_t layer, DropoutPlace place);

struct DropoutRule {
  std::uint64_t seed;
  std::uint32_t site;
  std::uint32_t threshold;  // an element is dropped when its random word is below
  float factor;             // of the elements that are kept
};

/// Throws Error(kConfig) unless 0 <= rate and the rate leaves something to keep.
DropoutRule dropout_rule(std::uint64_t seed, std::uint32_t site, double rate);

/// y[B,count] from x; samples[B] are the global ordinals of the sequences. The backward pass is the same function of
/// dy. In place (y == x) is allowed.
void dropout(std::int64_t num_sequences, std::int64_t count, const DropoutRule& rule, const std::uint64_t* samples,
             const float* x, float* y);

}  // namespace reprise::numerics
