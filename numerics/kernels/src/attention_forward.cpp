// Causal self-attention, forward [C-12].

#include "attention_problem.h"
#include "dispatch.h"
#include "reprise/numerics/kernels.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention_forward.cpp"
#include <hwy/foreach_target.h>

#include "attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

void forward_head(const ForwardHead& head) {
  const Index padded_dim = round_to_tile(head.dim), padded_length = round_to_tile(head.length);
  const Index rows_size = head.length * padded_dim;
  float* q_rows = scratch(Scratch::kAttention, 3 * rows_size + head.dim * padded_length + kQueryBlock * padded_length);
  float* v_rows = q_rows + rows_size;
  float* sums = v_rows + rows_size;
  float* k_columns = sums + rows_size;
  float* weights = k_columns + head.dim * padded_length;
  pack_rows(head.length, head.dim, head.q, head.stride, q_rows, padded_dim);
  pack_rows(head.length, head.dim, head.v, head.stride, v_rows, padded_dim);
  pack_columns(head.length, head.dim, head.k, head.stride, k_columns, padded_length);
  for (Index first = 0; first < head.length; first += kQueryBlock) {
    const Index last = first + kQueryBlock < head.length ? first + kQueryBlock : head.length;
    dot_block(first, last, head.dim, q_rows, padded_dim, k_columns, padded_length, head.scale, weights);
    for (Index i = first; i < last; ++i) {
      float* row = weights + (i - first) * padded_length;
      head.row_max[i] = row_maximum(row, i + 1);
      head.row_sum[i] = exponentiate(i + 1, head.row_max[i], row);
    }
    sum_over_keys_block(first, last, weights, padded_length, v_rows, padded_dim, sums);
  }
  for (Index i = 0; i < head.length; ++i) {
    const Vector divisor = broadcast(head.row_sum[i]);
    for (Index e = 0; e < head.dim; e += kWidth) {
      store_some(hn::Div(load(sums + i * padded_dim + e), divisor), head.out + i * head.stride + e, head.dim - e);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void attention_forward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                       float scale, const float* q, const float* k, const float* v, float* out, float* row_max,
                       float* row_sum) {
  const std::int64_t stride = num_heads * head_dim;
  for (std::int64_t index = 0; index < num_sequences * num_heads; ++index) {
    const std::int64_t at = index / num_heads * length * stride + index % num_heads * head_dim;
    const ForwardHead head{length,
                           head_dim,
                           stride,
                           scale,
                           q + at,
                           k + at,
                           v + at,
                           out + at,
                           row_max + index * length,
                           row_sum + index * length};
    REPRISE_DISPATCH(forward_head)(head);
  }
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
