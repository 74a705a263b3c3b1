#pragma once
// LM head, cross-entropy and z-loss on a GPU [C-15].

#include <cstdint>

#include "queue.h"

namespace reprise::numerics::cuda {

struct HeadLoss {
  std::int64_t num_tokens, dim, vocab;
  const float* h;
  const float* weight;
  const std::int32_t* targets;
  float z_weight;
  float* cross_entropy;
  float* z;
  float* dh;       // null: forward alone
  float* dweight;  // null: forward alone
};

/// Logits that are kept at a time, in floats: 512 MiB.
inline constexpr std::int64_t kMaxLogits = std::int64_t{128} << 20;

/// Losses, and gradients where there is room for them. A target behind the vocabulary, which the CPU refuses, gives
/// losses and gradients that are NaNs: the host does not see targets. `max_logits` bounds the chunks of tokens, which
/// are of 256 at least.
void head_loss(Queue& queue, int num_multiprocessors, const HeadLoss& head, std::int64_t max_logits = kMaxLogits);

}  // namespace reprise::numerics::cuda
