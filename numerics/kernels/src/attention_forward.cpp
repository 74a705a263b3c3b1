// Causal self-attention, forward [C-12], [C-40].

#include "attention_problem.h"
#include "dispatch.h"
#include "reprise/numerics/kernels.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention_forward.cpp"
#include <hwy/foreach_target.h>

#include "attention_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

/// Scores of the queries of one block; row i - first, column = key. What a query may not see is -infinity as far as its
/// first and last vectors reach.
struct ScoreBlock {
  Index first, last;
  float* scores;
  Index stride;
  float* maxima;  // [kQueryBlock, kWidth]: of each row, lane by lane
};

/// Writes one tile of scores and takes it into the maxima.
template <int kVectors, class Rule>
HWY_INLINE void score_tile(const Rule& rule, const ScoreBlock& block, Index dim, const float* rows, Index padded_dim,
                           const float* panel, float scale, Index i, Index j) {
  constexpr int kRows = kAttentionRows;
  Tile<kRows, kVectors> tile;
  dot_tile(dim, rows, padded_dim, panel, tile);
  scale_tile(scale, tile);
  float* to = block.scores + (i - block.first) * block.stride + j;
  float* maxima = block.maxima + (i - block.first) * kWidth;
  if constexpr (!Rule::kPlain) transform_scores(rule, i, j, tile);
  if (j + kVectors * kWidth - 1 > i || j < rule.first_key(i + kRows - 1)) hide_pairs(rule, i, j, tile);
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    Vector best = load(maxima + r * kWidth);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      store(tile.sums[r * kVectors + v], to + r * block.stride + v * kWidth);
      best = greater_of(tile.sums[r * kVectors + v], best);
    }
    store(best, maxima + r * kWidth);
  }
}

/// Writes the scores of the block, and the maxima.
template <class Rule>
HWY_INLINE void score_block(const Rule& rule, const ScoreBlock& block, Index dim, const float* rows, Index padded_dim,
                            const float* k_panels, float scale) {
  for (Index at = 0; at < kQueryBlock * kWidth; at += kWidth) store(broadcast(-__builtin_inff()), block.maxima + at);
  for (Index j = round_down(rule.first_key(block.first), kTileColumns); j < block.last; j += kTileColumns) {
    const float* panel = k_panels + j * dim;
    for (Index i = block.first; i < block.last; i += kAttentionRows) {
      if (j > i + kAttentionRows - 1 || j + kTileColumns <= rule.first_key(i)) continue;
      const float* row = rows + (i - block.first) * padded_dim;
      if (j + kWidth > i + kAttentionRows - 1) {
        score_tile<1>(rule, block, dim, row, padded_dim, panel, scale, i, j);
      } else {
        score_tile<kTileVectors>(rule, block, dim, row, padded_dim, panel, scale, i, j);
      }
    }
  }
}

// Rows exponentiated together: their chains of operations overlap.
constexpr Index kExpRows = 2;
static_assert(kAttentionRows % kExpRows == 0);

/// row = exp(row - maximum) for the vectors that hold the keys first .. last, of kExpRows rows; sums by lanes [C-4].
HWY_INLINE void exponentiate_rows(Index first, Index last, const float* maxima, float* rows, Index stride,
                                  float* sums) {
  Vector lanes[kExpRows][kLaneVectors], largest[kExpRows];
#pragma GCC unroll 4
  for (Index r = 0; r < kExpRows; ++r) {
    largest[r] = broadcast(maxima[r]);
#pragma GCC unroll 32
    for (auto& lane : lanes[r]) lane = zero();
  }
  for (Index j = round_down(first, kVirtualLanes); j <= last; j += kVirtualLanes) {
    const bool whole = j >= first && j + kVirtualLanes - kWidth <= last;
#pragma GCC unroll 32
    for (Index v = 0; v < kLaneVectors; ++v) {
      const Index at = j + v * kWidth;
      if (!whole && (at + kWidth <= first || at > last)) continue;
#pragma GCC unroll 4
      for (Index r = 0; r < kExpRows; ++r) {
        const Vector e = exp_value(hn::Sub(load(rows + r * stride + at), largest[r]));
        store(e, rows + r * stride + at);
        lanes[r][v] = hn::Add(lanes[r][v], e);
      }
    }
  }
  for (Index r = 0; r < kExpRows; ++r) sums[r] = sum_lanes(lanes[r]);
}

/// row_max, row_sum and the exponentials of the queries of one row of tiles.
template <class Rule>
HWY_INLINE void softmax_rows(const Rule& rule, const ForwardGroup& group, Index head, const ScoreBlock& block,
                             Index tile) {
  for (Index i = tile; i < least(tile + kAttentionRows, block.last); i += kExpRows) {
    float maxima[kExpRows], sums[kExpRows];
    for (Index r = 0; r < kExpRows; ++r) {
      maxima[r] = greatest_lane(load(block.maxima + (i + r - block.first) * kWidth)) + 0.0f;
    }
    exponentiate_rows(rule.first_key(tile), least(tile + kAttentionRows, block.last) - 1, maxima,
                      block.scores + (i - block.first) * block.stride, block.stride, sums);
    for (Index r = 0; r < least(kExpRows, block.last - i); ++r) {
      group.row_max[head * group.length + i + r] = maxima[r];
      group.row_sum[head * group.length + i + r] = sums[r];
    }
  }
}

template <class Rule>
HWY_INLINE void forward_block(const Rule& rule, const ForwardGroup& group, Index head, const ScoreBlock& block,
                              const float* q_rows, Index padded_dim, const float* k_panels, const float* v_rows,
                              float* sums) {
  score_block(rule, block, group.dim, q_rows, padded_dim, k_panels, group.scale);
  for (Index i = block.first; i < block.last; i += kAttentionRows) {
    softmax_rows(rule, group, head, block, i);
  }
  for (Index begin = round_down(rule.first_key(block.first), kGemmSegment); begin < block.last; begin += kGemmSegment) {
    const WeightBlock weights{block.scores + begin, block.stride, block.first,
                              block.last,           begin,        least(begin + kGemmSegment, block.last)};
    sum_over_keys_block(rule, weights, v_rows, padded_dim, sums);
  }
  float* out = group.out + head * group.dim;
  for (Index i = block.first; i < block.last; ++i) {
    const Vector divisor = broadcast(group.row_sum[head * group.length + i]);
    for (Index e = 0; e < group.dim; e += kWidth) {
      const Vector sum = load(sums + (i - block.first) * padded_dim + e);
      store_some(hn::Div(sum, divisor), out + i * group.stride + e, group.dim - e);
    }
  }
}

template <class Rule>
HWY_INLINE void forward_head(const Rule& rule, const ForwardGroup& group, Index head) {
  const Index length = group.length, dim = group.dim;
  const Index padded_dim = round_up(dim, kWidth), padded_length = round_up(length, kQueryBlock);
  const Index stride = padded_length + kStrideSkew, block_size = kQueryBlock * padded_dim;
  float* k_panels = scratch(Scratch::kAttention,
                            padded_length * (dim + padded_dim) + 2 * block_size + kQueryBlock * (stride + kWidth));
  float* v_rows = k_panels + padded_length * dim;
  float* q_rows = v_rows + padded_length * padded_dim;
  float* sums = q_rows + block_size;
  float* scores = sums + block_size;
  float* maxima = scores + kQueryBlock * stride;
  for (Index first = 0; first < length; first += kQueryBlock) {
    const Index count = least(kQueryBlock, length - first);
    if (head == 0) {
      pack_panels(count, dim, group.k + first * group.kv_stride, group.kv_stride, k_panels + first * dim);
      pack_rows(count, kQueryBlock, dim, group.v + first * group.kv_stride, group.kv_stride,
                v_rows + first * padded_dim, padded_dim);
    }
    pack_rows(count, kQueryBlock, dim, group.q + head * dim + first * group.stride, group.stride, q_rows, padded_dim);
    const ScoreBlock block{first, first + count, scores, stride, maxima};
    forward_block(rule, group, head, block, q_rows, padded_dim, k_panels, v_rows, sums);
  }
}

void forward_group(const ForwardGroup& group) {
  for (Index head = 0; head < group.num_heads; ++head) {
    if (group.plain()) {
      forward_head(PlainRule{}, group, head);
    } else {
      forward_head(general_rule(group, head), group, head);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void attention_forward_group(const ForwardGroup& group) { REPRISE_DISPATCH(forward_group)(group); }

}  // namespace reprise::numerics
#endif  // HWY_ONCE
