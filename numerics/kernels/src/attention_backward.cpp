// Causal self-attention, backward [C-12]: the exponentials are recomputed from row_max, so nothing of size T x T is
// kept; sums over queries are carried in memory from one block of queries to the next, which rounds nothing.

#include "attention_problem.h"
#include "dispatch.h"
#include "reprise/numerics/kernels.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention_backward.cpp"
#include <hwy/foreach_target.h>

#include "attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

struct Block {
  Index first, last;  // queries
  Index length;
  Index padded_length, padded_dim;
};

/// totals[j + r, :] = sum over queries i >= j + r of weights[i, j + r] * values[i, :], the share of one block of
/// queries; `running` carries the sums of a segment that is not over.
template <int kRows>
HWY_INLINE void sum_over_queries(const Block& block, Index j, const float* weights, const float* values, float* running,
                                 float* totals) {
  const Index stride = block.padded_length;
  const bool diagonal = j >= block.first;
  const bool segment_ends = block.last % kGemmSegment == 0 || block.last == block.length;
  const bool add = block.first / kGemmSegment > j / kGemmSegment;
  for (Index column = 0; column < block.padded_dim; column += kTileColumns) {
    Tile<kRows> tile;
    Index common = block.first;  // the first query that all keys of the tile have
    if (diagonal || block.first % kGemmSegment == 0) {
      tile.clear();
    } else {
      tile.read(running + j * block.padded_dim + column, block.padded_dim);
    }
    if (diagonal) {
      common = j + kRows - 1;
#pragma GCC unroll 16
      for (int d = 0; d < kRows - 1; ++d) {
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) {
          const Vector value = load(values + (j + d) * block.padded_dim + column + v * kWidth);
#pragma GCC unroll 16
          for (int r = 0; r <= d; ++r) {
            Vector& sum = tile.sums[r * kTileVectors + v];
            sum = fma(broadcast(weights[(j + d - block.first) * stride + j + r]), value, sum);
          }
        }
      }
    }
    tile.multiply(block.last - common, weights + (common - block.first) * stride + j, 1, stride,
                  values + common * block.padded_dim + column, block.padded_dim);
    float* to = (segment_ends ? totals : running) + j * block.padded_dim + column;
    tile.write(to, block.padded_dim, segment_ends && add);
  }
}

HWY_INLINE void sum_over_queries_block(const Block& block, const float* weights, const float* values, float* running,
                                       float* totals) {
  Index j = 0;
  for (; j + kAttentionRows <= block.last; j += kAttentionRows) {
    sum_over_queries<kAttentionRows>(block, j, weights, values, running, totals);
  }
  for (; j < block.last; ++j) sum_over_queries<1>(block, j, weights, values, running, totals);
}

/// g = dout / row_sum in packed rows; delta[i] = sum_e g * out, by lanes.
HWY_INLINE void pack_scaled_gradient(const BackwardHead& head, Index padded_dim, float* g, float* delta) {
  for (Index i = 0; i < head.length; ++i) {
    const Vector divisor = broadcast(head.row_sum[i]);
    for (Index e = 0; e < padded_dim; e += kWidth) {
      const Vector scaled = hn::Div(load_some(head.dout + i * head.stride + e, head.dim - e), divisor);
      store(scaled, g + i * padded_dim + e);
    }
    Vector lanes[kLaneVectors];
    for (auto& lane : lanes) lane = zero();
    for (Index e = 0; e < head.dim; e += kVirtualLanes) {
      for (Index v = 0; v < kLaneVectors; ++v) {
        const Index at = e + v * kWidth;
        lanes[v] = fma(load_some(g + i * padded_dim + at, head.dim - at),
                       load_some(head.out + i * head.stride + at, head.dim - at), lanes[v]);
      }
    }
    delta[i] = sum_lanes(lanes);
  }
}

/// weights = exp(scores - row_max), slopes = weights * (dot - delta), for the allowed keys of a block.
HWY_INLINE void softmax_slopes(const BackwardHead& head, const Block& block, const float* delta, float* weights,
                               float* slopes) {
  for (Index i = block.first; i < block.last; ++i) {
    float* weight_row = weights + (i - block.first) * block.padded_length;
    float* slope_row = slopes + (i - block.first) * block.padded_length;
    const Vector largest = broadcast(head.row_max[i]);
    const Vector shift = broadcast(delta[i]);
    for (Index j = 0; j <= i; j += kWidth) {  // whole vectors: what lies beyond key i is never read
      const Vector e = exp_value(hn::Sub(load(weight_row + j), largest));
      store(e, weight_row + j);
      store(hn::Mul(e, hn::Sub(load(slope_row + j), shift)), slope_row + j);
    }
  }
}

/// to[T, E] (strided) = factor * from[T, Ep].
HWY_INLINE void unpack_rows(const BackwardHead& head, const float* from, Index padded_dim, float factor, float* to) {
  for (Index i = 0; i < head.length; ++i) {
    for (Index e = 0; e < head.dim; e += kWidth) {
      const Vector value = hn::Mul(load(from + i * padded_dim + e), broadcast(factor));
      store_some(value, to + i * head.stride + e, head.dim - e);
    }
  }
}

void backward_head(const BackwardHead& head) {
  const Index length = head.length, dim = head.dim;
  const Index padded_dim = round_to_tile(dim), padded_length = round_to_tile(length);
  const Index rows_size = length * padded_dim, columns_size = dim * padded_length;
  const Index block_size = kQueryBlock * padded_length;
  float* next = scratch(Scratch::kAttention, 8 * rows_size + 2 * columns_size + 2 * block_size + length);
  const auto take = [&next](Index count) {
    float* taken = next;
    next += count;
    return taken;
  };
  float *q = take(rows_size), *k = take(rows_size), *g = take(rows_size), *dq = take(rows_size);
  float *dk = take(rows_size), *dv = take(rows_size), *dk_running = take(rows_size), *dv_running = take(rows_size);
  float *k_columns = take(columns_size), *v_columns = take(columns_size);
  float *weights = take(block_size), *slopes = take(block_size), *delta = take(length);
  pack_rows(length, dim, head.q, head.stride, q, padded_dim);
  pack_rows(length, dim, head.k, head.stride, k, padded_dim);
  pack_columns(length, dim, head.k, head.stride, k_columns, padded_length);
  pack_columns(length, dim, head.v, head.stride, v_columns, padded_length);
  pack_scaled_gradient(head, padded_dim, g, delta);
  for (Index first = 0; first < length; first += kQueryBlock) {
    const Index last = first + kQueryBlock < length ? first + kQueryBlock : length;
    const Block block{first, last, length, padded_length, padded_dim};
    dot_block(first, last, dim, q, padded_dim, k_columns, padded_length, head.scale, weights);
    dot_block(first, last, dim, g, padded_dim, v_columns, padded_length, 1.0f, slopes);
    softmax_slopes(head, block, delta, weights, slopes);
    sum_over_keys_block(first, last, slopes, padded_length, k, padded_dim, dq);
    sum_over_queries_block(block, weights, g, dv_running, dv);
    sum_over_queries_block(block, slopes, q, dk_running, dk);
  }
  unpack_rows(head, dq, padded_dim, head.scale, head.dq);
  unpack_rows(head, dk, padded_dim, head.scale, head.dk);
  unpack_rows(head, dv, padded_dim, 1.0f, head.dv);
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void attention_backward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                        float scale, const float* q, const float* k, const float* v, const float* out,
                        const float* row_max, const float* row_sum, const float* dout, float* dq, float* dk,
                        float* dv) {
  const std::int64_t stride = num_heads * head_dim;
  for (std::int64_t index = 0; index < num_sequences * num_heads; ++index) {
    const std::int64_t at = index / num_heads * length * stride + index % num_heads * head_dim;
    const BackwardHead head{length,
                            head_dim,
                            stride,
                            scale,
                            q + at,
                            k + at,
                            v + at,
                            out + at,
                            row_max + index * length,
                            row_sum + index * length,
                            dout + at,
                            dq + at,
                            dk + at,
                            dv + at};
    REPRISE_DISPATCH(backward_head)(head);
  }
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
