#include "attention_order_free.h"

#include "attention_problem.h"
#include "dispatch.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention_order_free.cpp"
#include <hwy/foreach_target.h>

#include "attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

constexpr Index kKeyBlock = 256;
constexpr Index kFreeStride = kKeyBlock + kStrideSkew;

struct FreeWorkspace {
  Index padded_dim;
  float *q, *g, *k, *dq;  // [Tp, Ep]
  float *k_panels, *v_panels;
  float *delta, *logsumexp;  // [Tp]
  float *dk, *dv;            // [kKeyBlock, Ep]
  float *weights, *slopes;   // [kQueryBlock, kFreeStride]
};

HWY_INLINE FreeWorkspace free_workspace(Index length, Index dim) {
  const Index padded_dim = round_up(dim, kWidth), padded_length = round_up(length, kQueryBlock);
  const Index rows = padded_length * padded_dim, panels = padded_length * dim;
  const Index keys = kKeyBlock * padded_dim, block = kQueryBlock * kFreeStride;
  float* next = scratch(Scratch::kAttention, 4 * rows + 2 * panels + 2 * padded_length + 2 * keys + 2 * block);
  const auto take = [&next](Index count) {
    float* taken = next;
    next += count;
    return taken;
  };
  FreeWorkspace w{};
  w.padded_dim = padded_dim;
  w.weights = take(block), w.slopes = take(block);
  w.dk = take(keys), w.dv = take(keys);
  w.delta = take(padded_length), w.logsumexp = take(padded_length);
  w.k_panels = take(panels), w.v_panels = take(panels);
  w.q = take(rows), w.g = take(rows), w.k = take(rows), w.dq = take(rows);
  return w;
}

HWY_INLINE void clear(float* x, Index count) {
  for (Index at = 0; at < count; at += kWidth) store(zero(), x + at);
}

/// q * scale, dout, delta and logsumexp of a block of queries; what lies beyond the sequence gets weight 0.
HWY_INLINE void pack_free_queries(const BackwardGroup& head, Index first, Index count, const FreeWorkspace& w) {
  clear(w.q + first * w.padded_dim, kQueryBlock * w.padded_dim);
  clear(w.g + first * w.padded_dim, kQueryBlock * w.padded_dim);
  const Vector scale = broadcast(head.scale);
  for (Index i = first; i < first + count; ++i) {
    Vector sums[2] = {zero(), zero()};
    for (Index e = 0; e < head.dim; e += kWidth) {
      const Index at = i * head.stride + e, to = i * w.padded_dim + e;
      const Vector g = load_some(head.dout + at, head.dim - e);
      store(g, w.g + to);
      store(hn::Mul(load_some(head.q + at, head.dim - e), scale), w.q + to);
      Vector& sum = sums[e / kWidth % 2];
      sum = fma(g, load_some(head.out + at, head.dim - e), sum);
    }
    w.delta[i] = fold_lanes(FloatTag(), hn::Add(sums[0], sums[1]),
                            [](auto low, auto high) HWY_ATTR { return hn::Add(low, high); });
    w.logsumexp[i] = head.row_max[i] + hn::GetLane(log_value(broadcast(head.row_sum[i])));
  }
  for (Index i = first + count; i < first + kQueryBlock; ++i) w.delta[i] = 0.0f, w.logsumexp[i] = __builtin_inff();
}

template <int kVectors>
HWY_INLINE void free_weight_tile(const BackwardGroup& head, const FreeWorkspace& w, Index i, Index j, float* weights,
                                 float* slopes) {
  constexpr int kRows = kAttentionRows;
  Tile<kRows, kVectors> tile;
  dot_tile(head.dim, w.q + i * w.padded_dim, w.padded_dim, w.k_panels + j * head.dim, tile);
  if (j + kVectors * kWidth - 1 > i) hide_pairs(PlainRule{}, i, j, tile);
  tile.write(weights, kFreeStride, false);
  dot_tile(head.dim, w.g + i * w.padded_dim, w.padded_dim, w.v_panels + j * head.dim, tile);
  tile.write(slopes, kFreeStride, false);
  for (Index r = 0; r < kRows; ++r) {
    const Vector shift = broadcast(w.logsumexp[i + r]), delta = broadcast(w.delta[i + r]);
#pragma GCC unroll 4
    for (Index v = 0; v < kVectors; ++v) {
      const Index at = r * kFreeStride + v * kWidth;
      const Vector p = exp_value(hn::Sub(load(weights + at), shift));
      store(p, weights + at);
      store(hn::Mul(p, hn::Sub(load(slopes + at), delta)), slopes + at);
    }
  }
}

/// A product over `count` of k, to be added to what is there or to start it.
struct FreeProduct {
  Index count;
  const float* a;
  Index a_row_stride, a_k_stride;
  const float* b;
  bool starts;
};

template <int kVectors>
HWY_INLINE void add_columns(const FreeProduct& product, Index column, float* to, Index padded_dim) {
  Tile<kAttentionRows, kVectors> tile;
  if (product.starts) {
    tile.clear();
  } else {
    tile.read(to + column, padded_dim);
  }
  tile.multiply(product.count, product.a, product.a_row_stride, product.a_k_stride, product.b + column, padded_dim);
  tile.write(to + column, padded_dim, false);
}

HWY_INLINE void add_product(const FreeProduct& product, float* to, Index padded_dim) {
  Index column = 0;
  for (; column + kTileColumns <= padded_dim; column += kTileColumns) {
    add_columns<kTileVectors>(product, column, to, padded_dim);
  }
  if (column < padded_dim) add_columns<1>(product, column, to, padded_dim);
}

HWY_INLINE void free_block(const BackwardGroup& head, const FreeWorkspace& w, Index first, Index last, Index begin) {
  const Index end = least(begin + kKeyBlock, last);
  for (Index j = begin; j < end; j += kTileColumns) {
    for (Index i = first; i < last; i += kAttentionRows) {
      if (j > i + kAttentionRows - 1) continue;
      const Index at = (i - first) * kFreeStride + j - begin;
      if (j + kWidth > i + kAttentionRows - 1) {
        free_weight_tile<1>(head, w, i, j, w.weights + at, w.slopes + at);
      } else {
        free_weight_tile<kTileVectors>(head, w, i, j, w.weights + at, w.slopes + at);
      }
    }
  }
  const Index dim = w.padded_dim;
  for (Index i = first; i < last; i += kAttentionRows) {
    add_product({least(i + kAttentionRows, end) - begin, w.slopes + (i - first) * kFreeStride, kFreeStride, 1,
                 w.k + begin * dim, begin == 0},
                w.dq + i * dim, dim);
  }
  const auto over_queries = [&](const float* weights, const float* values, float* to) HWY_ATTR {
    for (Index j = begin; j < end; j += kAttentionRows) {
      const Index start = greatest(first, j);
      add_product({last - start, weights + (start - first) * kFreeStride + j - begin, 1, kFreeStride,
                   values + start * dim, j >= first},
                  to + (j - begin) * dim, dim);
    }
  };
  over_queries(w.weights, w.g, w.dv);
  over_queries(w.slopes, w.q, w.dk);
}

HWY_INLINE void unpack_free(Index count, const BackwardGroup& head, const float* from, Index padded_dim, Vector factor,
                            float* to) {
  for (Index i = 0; i < count; ++i) {
    for (Index e = 0; e < head.dim; e += kWidth) {
      store_some(hn::Mul(load(from + i * padded_dim + e), factor), to + i * head.stride + e, head.dim - e);
    }
  }
}

void free_backward_head(const BackwardGroup& head) {
  const FreeWorkspace w = free_workspace(head.length, head.dim);
  for (Index begin = 0; begin < head.length; begin += kKeyBlock) {
    for (Index first = begin; first < head.length; first += kQueryBlock) {
      const Index count = least(kQueryBlock, head.length - first), at = first * head.stride;
      if (first < begin + kKeyBlock) {
        pack_rows(count, kQueryBlock, head.dim, head.k + at, head.stride, w.k + first * w.padded_dim, w.padded_dim);
        pack_panels(count, head.dim, head.k + at, head.stride, w.k_panels + first * head.dim);
        pack_panels(count, head.dim, head.v + at, head.stride, w.v_panels + first * head.dim);
      }
      if (begin == 0) pack_free_queries(head, first, count, w);
      free_block(head, w, first, first + count, begin);
      if (first < begin + kKeyBlock) {
        unpack_free(count, head, w.dq + first * w.padded_dim, w.padded_dim, broadcast(head.scale), head.dq + at);
      }
    }
    const Index count = least(kKeyBlock, head.length - begin), at = begin * head.stride;
    unpack_free(count, head, w.dk, w.padded_dim, broadcast(1.0f), head.dk + at);
    unpack_free(count, head, w.dv, w.padded_dim, broadcast(1.0f), head.dv + at);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace order_free {

void attention_backward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                        float scale, const float* q, const float* k, const float* v, const float* out,
                        const float* row_max, const float* row_sum, const float* dout, float* dq, float* dk,
                        float* dv) {
  using namespace reprise::numerics;
  for (std::int64_t index = 0; index < num_sequences * num_heads; ++index) {
    const std::int64_t stride = num_heads * head_dim;
    const std::int64_t at = index / num_heads * length * stride + index % num_heads * head_dim, row = index * length;
    BackwardGroup head{{}, out + at, row_max + row, row_sum + row, dout + at, dq + at, dk + at, dv + at};
    head.length = length, head.dim = head_dim, head.num_heads = 1;
    head.stride = head.kv_stride = stride;
    head.scale = scale;
    head.q = q + at, head.k = k + at, head.v = v + at;
    REPRISE_DISPATCH(free_backward_head)(head);
  }
}

}  // namespace order_free
#endif  // HWY_ONCE
