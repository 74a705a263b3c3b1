#pragma once
// Causal attention and its options on a GPU [C-12], [C-40], [C-41].

#include "queue.h"
#include "reprise/numerics/attention.h"

namespace reprise::numerics::cuda {

/// More query heads than this cannot have slopes.
inline constexpr int kMostSlopes = 256;

/// As many scores the backward pass keeps at a time, where one key-value head and 256 keys are not more: 256 MiB.
inline constexpr std::int64_t kSlopesAtATime = std::int64_t{64} << 20;

/// The shape has at least one head of at least one element; options.alibi_slopes are in the host's memory.
void attention_forward(Queue& queue, const AttentionShape& shape, const AttentionOptions& options, const float* q,
                       const float* k, const float* v, float* out, float* row_max, float* row_sum);
void attention_backward(Queue& queue, const AttentionShape& shape, const AttentionOptions& options, const float* q,
                        const float* k, const float* v, const float* out, const float* row_max, const float* row_sum,
                        const float* dout, float* dq, float* dk, float* dv,
                        std::int64_t slopes_at_a_time = kSlopesAtATime);

}  // namespace reprise::numerics::cuda
