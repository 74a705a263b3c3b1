#pragma once
// What the attention kernels take: the query heads that share one key-value head, of one sequence. Pointers are at the
// first row of the first head; a head's rows lie `stride` apart (those of k, v, dk, dv `kv_stride`), the next query
// head `dim` further, and its row_max and row_sum `length` further.

#include <cstdint>

namespace reprise::numerics {

// Queries handled together. Arrays that say something about each query reach to a multiple of it.
inline constexpr std::int64_t kQueryBlock = 64;

struct AttentionGroup {
  std::int64_t length, dim, num_heads;
  std::int64_t stride, kv_stride;
  float scale;
  const std::int32_t* first_key;  // of each query, never decreasing; null: every query starts at key 0
  const float* slopes;            // of each query head; null: no bias
  float softcap;                  // 0: none
  const float *q, *k, *v;

  bool plain() const { return first_key == nullptr && slopes == nullptr && softcap == 0.0f; }
};

struct ForwardGroup : AttentionGroup {
  float *out, *row_max, *row_sum;
};

struct BackwardGroup : AttentionGroup {
  const float *out, *row_max, *row_sum, *dout;
  float *dq, *dk, *dv;
};

void attention_forward_group(const ForwardGroup& group);
void attention_backward_group(const BackwardGroup& group);

}  // namespace reprise::numerics
