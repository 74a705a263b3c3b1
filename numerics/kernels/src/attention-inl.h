// What attention's forward and backward share [C-12], [C-40]: packed operands, tiles of scores, and the rule that says
// which keys a query may see. Included once per target.
//
// Legend: T length, E head size; Tp and Ep are T rounded up to whole query blocks and E to whole vectors.

#if defined(REPRISE_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_ATTENTION_INL_H_
#undef REPRISE_ATTENTION_INL_H_
#else
#define REPRISE_ATTENTION_INL_H_
#endif

#include "attention_problem.h"
#include "functions-inl.h"
#include "gemm_pack-inl.h"
#include "reprise/numerics/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

// No tile of queries or keys straddles a segment or a block.
static_assert(kGemmSegment % kQueryBlock == 0 && kQueryBlock % kAttentionRows == 0);
static_assert(kQueryBlock % kVirtualLanes == 0 && kVirtualLanes % kTileColumns == 0);

// Added to the row stride of score blocks, so that the rows of a tile do not fall into one set of the cache.
constexpr Index kStrideSkew = 16;

constexpr Index round_up(Index count, Index unit) { return (count + unit - 1) / unit * unit; }
constexpr Index round_down(Index count, Index unit) { return count / unit * unit; }
constexpr Index least(Index a, Index b) { return a < b ? a : b; }
constexpr Index greatest(Index a, Index b) { return a < b ? b : a; }

/// Plain causal attention: every query starts at key 0, scores stay as they are.
struct PlainRule {
  static constexpr bool kPlain = true;
  HWY_INLINE Index first_key(Index) const { return 0; }
};

/// Attention with any of the options of [C-40].
struct GeneralRule {
  static constexpr bool kPlain = false;
  const std::int32_t* first_keys;  // to Tp
  float slope, cap, inverse_cap;

  HWY_INLINE Index first_key(Index query) const { return first_keys[query]; }
};

HWY_INLINE GeneralRule general_rule(const AttentionGroup& group, Index head) {
  const float slope = group.slopes == nullptr ? 0.0f : group.slopes[head];
  return {group.first_key, slope, group.softcap, group.softcap == 0.0f ? 0.0f : 1.0f / group.softcap};
}

/// to[count rows, Ep]: rows of one head from position `first` on, zero beyond E and for `padded` - count more rows.
HWY_INLINE void pack_rows(Index count, Index padded, Index dim, const float* from, Index stride, float* to,
                          Index padded_dim) {
  for (Index t = 0; t < count; ++t) {
    for (Index e = 0; e < padded_dim; e += kWidth) {
      store(load_some(from + t * stride + e, dim - e), to + t * padded_dim + e);
    }
  }
  for (Index at = count * padded_dim; at < padded * padded_dim; at += kWidth) store(zero(), to + at);
}

/// to: panels of kTileColumns positions, each [E, kTileColumns]; positions beyond `count` are zero.
HWY_INLINE void pack_panels(Index count, Index dim, const float* from, Index stride, float* to) {
  for (Index t = 0; t < count; t += kTileColumns) {
    pack_panel(from + t * stride, 1, stride, least(kTileColumns, count - t), dim, to + t * dim, kTileColumns);
  }
}

/// tile[r, :] = dot(rows[r], panel[:]), E by the rule of products [C-3].
template <int kRows, int kVectors>
HWY_INLINE void dot_tile(Index dim, const float* rows, Index padded_dim, const float* panel,
                         Tile<kRows, kVectors>& tile) {
  tile.clear();
  tile.multiply(least(dim, kGemmSegment), rows, padded_dim, 1, panel, kTileColumns);
  for (Index e = kGemmSegment; e < dim; e += kGemmSegment) {
    Tile<kRows, kVectors> segment;
    segment.clear();
    segment.multiply(least(dim - e, kGemmSegment), rows + e, padded_dim, 1, panel + e * kTileColumns, kTileColumns);
#pragma GCC unroll 32
    for (int i = 0; i < kRows * kVectors; ++i) tile.sums[i] = hn::Add(tile.sums[i], segment.sums[i]);
  }
}

/// tile = factor * tile.
template <int kRows, int kVectors>
HWY_INLINE void scale_tile(float factor, Tile<kRows, kVectors>& tile) {
#pragma GCC unroll 32
  for (int i = 0; i < kRows * kVectors; ++i) tile.sums[i] = hn::Mul(tile.sums[i], broadcast(factor));
}

/// What [C-40] does to one vector of scores, `distance` being query - key.
struct TransformedScore {
  Vector value;
  Vector derivative;  // by the score that came in; 1 without softcap
};

HWY_INLINE TransformedScore transformed(const GeneralRule& rule, Vector score, Vector distance) {
  TransformedScore result{score, broadcast(1.0f)};
  if (rule.cap != 0.0f) {
    const Vector t = tanh_value(hn::Mul(score, broadcast(rule.inverse_cap)));
    result.value = hn::Mul(broadcast(rule.cap), t);
    result.derivative = negated_fma(t, t, result.derivative);
  }
  result.value = negated_fma(broadcast(rule.slope), distance, result.value);
  return result;
}

/// query - key for the keys from j on.
HWY_INLINE Vector distances(Index i, Index j) {
  const IntVector keys = hn::Iota(IntTag(), static_cast<std::int32_t>(j));
  return hn::ConvertTo(FloatTag(), hn::Sub(hn::Set(IntTag(), static_cast<std::int32_t>(i)), keys));
}

/// Applies softcap and bias to the scores of the queries i, ... and the keys j, ...
template <int kRows, int kVectors>
HWY_INLINE void transform_scores(const GeneralRule& rule, Index i, Index j, Tile<kRows, kVectors>& tile) {
  HWY_ALIGN float scores[kRows * kVectors * kWidth];
  tile.write(scores, kVectors * kWidth, false);
  for (Index r = 0; r < kRows; ++r) {
    for (Index v = 0; v < kVectors; ++v) {
      float* at = scores + (r * kVectors + v) * kWidth;
      store(transformed(rule, load(at), distances(i + r, j + v * kWidth)).value, at);
    }
  }
  tile.read(scores, kVectors * kWidth);
}

/// Gives -infinity to the pairs that no query may see.
template <int kRows, int kVectors, class Rule>
HWY_INLINE void hide_pairs(const Rule& rule, Index i, Index j, Tile<kRows, kVectors>& tile) {
  const Vector nothing = broadcast(-__builtin_inff());
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    const IntVector last = hn::Set(IntTag(), static_cast<std::int32_t>(i + r));
    const IntVector first = hn::Set(IntTag(), static_cast<std::int32_t>(rule.first_key(i + r)));
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const IntVector keys = hn::Iota(IntTag(), static_cast<std::int32_t>(j + v * kWidth));
      const auto hidden = hn::Or(hn::Gt(keys, last), hn::Lt(keys, first));
      Vector& score = tile.sums[r * kVectors + v];
      score = hn::IfThenElse(hn::RebindMask(FloatTag(), hidden), nothing, score);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_ATTENTION_INL_H_
