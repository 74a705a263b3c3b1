#pragma once
// Attention's backward pass without a prescribed order: what the exact pass is held against. It is the same algorithm
// on the same tiles, packed operands and exponential, with these freedoms and no other:
// * row_max and row_sum become one logsumexp, so weights come out normalised and no gradient is divided by row_sum;
// * delta is folded from dout and out as they are; q is multiplied by the scale once, which also scales dk;
// * dq, dk and dv run over all keys or queries in one accumulator: no segments, no segment sums;
// * diagonal tiles are multiplied whole, their hidden pairs with weight 0: no ragged ends.
// Results differ from the exact pass in rounding alone (the benchmark checks it).

#include <cstdint>

namespace order_free {

/// Shapes as in reprise/numerics/attention.h, plain causal.
void attention_backward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                        float scale, const float* q, const float* k, const float* v, const float* out,
                        const float* row_max, const float* row_sum, const float* dout, float* dq, float* dk, float* dv);

}  // namespace order_free
