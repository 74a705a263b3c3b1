// Causal self-attention, backward [C-12], [C-40]: the exponentials are recomputed from row_max, so nothing of size
// T x T is kept. One segment of keys after the other meets the blocks of queries in order; sums that are not over are
// carried in memory, which rounds nothing.

#include "attention_problem.h"
#include "dispatch.h"
#include "reprise/numerics/kernels.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention_backward.cpp"
#include <hwy/foreach_target.h>

#include "attention_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

constexpr Index kBlockStride = kGemmSegment + kStrideSkew;

/// Packed operands of one head and the sums in flight.
struct Workspace {
  Index padded_dim;
  float *q, *g, *k, *dq;       // [Tp, Ep]; g = dout / row_sum
  float *k_panels, *v_panels;  // [Tp / kTileColumns, E, kTileColumns]
  float *delta, *row_max;      // [Tp]
  float *dk, *dv;              // [kGemmSegment, Ep]
  float *dk_running, *dv_running;
  float *weights, *slopes;  // [kQueryBlock, kBlockStride]
};

HWY_INLINE Workspace workspace(Index length, Index dim) {
  const Index padded_dim = round_up(dim, kWidth), padded_length = round_up(length, kQueryBlock);
  const Index rows = padded_length * padded_dim, panels = padded_length * dim;
  const Index segment = kGemmSegment * padded_dim, block = kQueryBlock * kBlockStride;
  float* next = scratch(Scratch::kAttention, 4 * rows + 2 * panels + 2 * padded_length + 4 * segment + 2 * block);
  const auto take = [&next](Index count) {
    float* taken = next;
    next += count;
    return taken;
  };
  Workspace w{};
  w.padded_dim = padded_dim;
  w.weights = take(block), w.slopes = take(block);
  w.dk = take(segment), w.dv = take(segment), w.dk_running = take(segment), w.dv_running = take(segment);
  w.delta = take(padded_length), w.row_max = take(padded_length);
  w.k_panels = take(panels), w.v_panels = take(panels);
  w.q = take(rows), w.g = take(rows), w.k = take(rows), w.dq = take(rows);
  return w;
}

/// g = dout / row_sum in packed rows; delta[i] = sum_e g * out, by lanes.
HWY_INLINE void pack_scaled_gradient(const BackwardGroup& group, Index head, Index first, Index count,
                                     const Workspace& w) {
  const Index dim = group.dim;
  for (Index i = first; i < first + count; ++i) {
    const float* dout = group.dout + head * dim + i * group.stride;
    const float* out = group.out + head * dim + i * group.stride;
    float* g = w.g + i * w.padded_dim;
    const Vector divisor = broadcast(group.row_sum[head * group.length + i]);
    Vector lanes[kLaneVectors];
#pragma GCC unroll 32
    for (auto& lane : lanes) lane = zero();
    for (Index e = 0; e < dim; e += kVirtualLanes) {
#pragma GCC unroll 32
      for (Index v = 0; v < kLaneVectors; ++v) {
        const Index at = e + v * kWidth;
        if (at >= dim) {  // [C-4]: the row goes on with +0, which turns a lane of -0 into +0
          lanes[v] = hn::Add(lanes[v], zero());
          continue;
        }
        const Vector scaled = hn::Div(load_some(dout + at, dim - at), divisor);
        store(scaled, g + at);
        lanes[v] = fma(scaled, load_some(out + at, dim - at), lanes[v]);
      }
    }
    w.delta[i] = sum_lanes(lanes);
    w.row_max[i] = group.row_max[head * group.length + i];
  }
  for (Index at = count * w.padded_dim; at < kQueryBlock * w.padded_dim; at += kWidth) {
    store(zero(), w.g + first * w.padded_dim + at);
  }
}

HWY_INLINE void pack_keys(const BackwardGroup& group, Index first, Index count, const Workspace& w) {
  const float *k = group.k + first * group.kv_stride, *v = group.v + first * group.kv_stride;
  pack_rows(count, kQueryBlock, group.dim, k, group.kv_stride, w.k + first * w.padded_dim, w.padded_dim);
  pack_panels(count, group.dim, k, group.kv_stride, w.k_panels + first * group.dim);
  pack_panels(count, group.dim, v, group.kv_stride, w.v_panels + first * group.dim);
}

HWY_INLINE void pack_queries(const BackwardGroup& group, Index head, Index first, Index count, const Workspace& w) {
  pack_rows(count, kQueryBlock, group.dim, group.q + head * group.dim + first * group.stride, group.stride,
            w.q + first * w.padded_dim, w.padded_dim);
  pack_scaled_gradient(group, head, first, count, w);
}

/// One tile of weights = exp(scores - row_max) and slopes = weights * (g v - delta).
template <int kVectors, class Rule>
HWY_INLINE void weight_tile(const Rule& rule, const BackwardGroup& group, const Workspace& w, Index i, Index j,
                            float* weights, float* slopes) {
  constexpr int kRows = kAttentionRows;
  Tile<kRows, kVectors> tile;
  dot_tile(group.dim, w.q + i * w.padded_dim, w.padded_dim, w.k_panels + j * group.dim, tile);
  scale_tile(group.scale, tile);
  tile.write(weights, kBlockStride, false);
  dot_tile(group.dim, w.g + i * w.padded_dim, w.padded_dim, w.v_panels + j * group.dim, tile);
  tile.write(slopes, kBlockStride, false);
  for (Index r = 0; r < kRows; ++r) {
    const Vector largest = broadcast(w.row_max[i + r]), shift = broadcast(w.delta[i + r]);
#pragma GCC unroll 4
    for (Index v = 0; v < kVectors; ++v) {
      const Index at = r * kBlockStride + v * kWidth;
      const Vector change = hn::Sub(load(slopes + at), shift);
      if constexpr (Rule::kPlain) {
        const Vector e = exp_value(hn::Sub(load(weights + at), largest));
        store(e, weights + at);
        store(hn::Mul(e, change), slopes + at);
      } else {
        const TransformedScore score = transformed(rule, load(weights + at), distances(i + r, j + v * kWidth));
        const Vector e = exp_value(hn::Sub(score.value, largest));
        store(e, weights + at);
        store(hn::Mul(hn::Mul(e, change), score.derivative), slopes + at);
      }
    }
  }
}

/// weights and slopes of the block's queries and the segment's keys, at least the allowed pairs.
template <class Rule>
HWY_INLINE void weight_block(const Rule& rule, const BackwardGroup& group, const Workspace& w,
                             const WeightBlock& block) {
  const Index start = round_down(greatest(rule.first_key(block.first), block.begin), kTileColumns);
  for (Index j = start; j < least(block.last, block.end); j += kTileColumns) {
    for (Index i = block.first; i < block.last; i += kAttentionRows) {
      if (j > i + kAttentionRows - 1 || j + kTileColumns <= rule.first_key(i)) continue;
      const Index at = (i - block.first) * kBlockStride + j - block.begin;
      if (j + kWidth > i + kAttentionRows - 1) {
        weight_tile<1>(rule, group, w, i, j, w.weights + at, w.slopes + at);
      } else {
        weight_tile<kTileVectors>(rule, group, w, i, j, w.weights + at, w.slopes + at);
      }
    }
  }
}

/// to[count, E] = factor * from[count, Ep], or to + it.
HWY_INLINE void unpack_rows(Index count, Index dim, const float* from, Index padded_dim, float factor, bool add,
                            float* to, Index stride) {
  for (Index i = 0; i < count; ++i) {
    for (Index e = 0; e < dim; e += kWidth) {
      float* at = to + i * stride + e;
      const Vector value = hn::Mul(load(from + i * padded_dim + e), broadcast(factor));
      store_some(add ? hn::Add(load_some(at, dim - e), value) : value, at, dim - e);
    }
  }
}

/// One block of queries against one segment of keys.
template <class Rule>
HWY_INLINE void backward_block(const Rule& rule, const BackwardGroup& group, Index head, const Workspace& w,
                               const WeightBlock& block) {
  const Index dim = group.dim, first = block.first, count = block.last - block.first;
  const bool on_diagonal = first < block.end;
  if (on_diagonal && head == 0) pack_keys(group, first, count, w);
  if (rule.first_key(first) >= block.begin) pack_queries(group, head, first, count, w);
  weight_block(rule, group, w, block);
  const bool segment_ends =
      block.last % kGemmSegment == 0 || block.last == group.length || rule.first_key(block.last) >= block.end;
  const WeightBlock slopes{w.slopes, kBlockStride, first, block.last, block.begin, block.end};
  sum_over_keys_block(rule, slopes, w.k, w.padded_dim, w.dq + first * w.padded_dim);
  sum_over_queries_block(rule, block, w.g + first * w.padded_dim, w.padded_dim, {w.dv_running, w.dv, segment_ends});
  sum_over_queries_block(rule, slopes, w.q + first * w.padded_dim, w.padded_dim, {w.dk_running, w.dk, segment_ends});
  if (on_diagonal) {
    unpack_rows(count, dim, w.dq + first * w.padded_dim, w.padded_dim, group.scale, false,
                group.dq + head * dim + first * group.stride, group.stride);
  }
}

template <class Rule>
HWY_INLINE void backward_head(const Rule& rule, const BackwardGroup& group, Index head) {
  const Workspace w = workspace(group.length, group.dim);
  for (Index begin = 0; begin < group.length; begin += kGemmSegment) {
    const Index end = least(begin + kGemmSegment, group.length);
    for (Index first = begin; first < group.length && rule.first_key(first) < end; first += kQueryBlock) {
      const Index last = least(first + kQueryBlock, group.length);
      backward_block(rule, group, head, w, {w.weights, kBlockStride, first, last, begin, end});
    }
    const Index at = begin * group.kv_stride;
    unpack_rows(end - begin, group.dim, w.dk, w.padded_dim, group.scale, head > 0, group.dk + at, group.kv_stride);
    unpack_rows(end - begin, group.dim, w.dv, w.padded_dim, 1.0f, head > 0, group.dv + at, group.kv_stride);
  }
}

void backward_group(const BackwardGroup& group) {
  for (Index head = 0; head < group.num_heads; ++head) {
    if (group.plain()) {
      backward_head(PlainRule{}, group, head);
    } else {
      backward_head(general_rule(group, head), group, head);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void attention_backward_group(const BackwardGroup& group) { REPRISE_DISPATCH(backward_group)(group); }

}  // namespace reprise::numerics
#endif  // HWY_ONCE
