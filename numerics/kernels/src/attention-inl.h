// What attention's forward and backward share [C-12]: packed operands of one head, tiles of scores, and products over
// the allowed pairs alone. Included once per target.
//
// Legend: T length, E head size; Tp and Ep are T and E rounded up to whole tiles, the rest zero.

#if defined(REPRISE_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_ATTENTION_INL_H_
#undef REPRISE_ATTENTION_INL_H_
#else
#define REPRISE_ATTENTION_INL_H_
#endif

#include "functions-inl.h"
#include "gemm_pack-inl.h"
#include "reprise/numerics/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

// Queries handled together. It divides kGemmSegment and is a multiple of kAttentionRows, so that no tile of queries or
// keys straddles a segment or a block.
constexpr Index kQueryBlock = 32;
static_assert(kGemmSegment % kQueryBlock == 0 && kQueryBlock % kAttentionRows == 0);

constexpr Index round_to_tile(Index count) { return (count + kTileColumns - 1) / kTileColumns * kTileColumns; }

/// to[T, Ep] = rows of one head, the columns beyond E zero.
HWY_INLINE void pack_rows(Index length, Index dim, const float* from, Index stride, float* to, Index padded_dim) {
  for (Index t = 0; t < length; ++t) {
    for (Index e = 0; e < padded_dim; e += kWidth) {
      store(load_some(from + t * stride + e, dim - e), to + t * padded_dim + e);
    }
  }
}

/// to[E, Tp] = columns of one head, the positions beyond T zero.
HWY_INLINE void pack_columns(Index length, Index dim, const float* from, Index stride, float* to, Index padded_length) {
  for (Index e = 0; e < dim; ++e) {
    for (Index t = length; t < padded_length; ++t) to[e * padded_length + t] = 0.0f;
  }
  transpose_into(from, stride, length, dim, to, padded_length);
}

/// to[r, :] = factor * dot(rows[r], columns[:]), E by the GEMM rule.
template <int kRows>
HWY_INLINE void dot_tile(Index dim, const float* rows, Index padded_dim, const float* columns, Index padded_length,
                         Vector factor, float* to) {
  Tile<kRows> total;
  total.clear();
  total.multiply(dim < kGemmSegment ? dim : kGemmSegment, rows, padded_dim, 1, columns, padded_length);
  for (Index e = kGemmSegment; e < dim; e += kGemmSegment) {
    Tile<kRows> segment;
    segment.clear();
    segment.multiply(dim - e < kGemmSegment ? dim - e : kGemmSegment, rows + e, padded_dim, 1,
                     columns + e * padded_length, padded_length);
#pragma GCC unroll 32
    for (int i = 0; i < kRows * kTileVectors; ++i) total.sums[i] = hn::Add(total.sums[i], segment.sums[i]);
  }
#pragma GCC unroll 32
  for (int i = 0; i < kRows * kTileVectors; ++i) total.sums[i] = hn::Mul(total.sums[i], factor);
  total.write(to, padded_length, false);
}

/// to[i - first, j] = factor * dot(rows[i], columns[j]) for the queries [first, last) and at least their allowed keys.
HWY_INLINE void dot_block(Index first, Index last, Index dim, const float* rows, Index padded_dim, const float* columns,
                          Index padded_length, float factor, float* to) {
  const Vector scale = broadcast(factor);
  for (Index j = 0; j < last; j += kTileColumns) {
    Index i = first;
    for (; i + kAttentionRows <= last; i += kAttentionRows) {
      if (j > i + kAttentionRows - 1) continue;
      dot_tile<kAttentionRows>(dim, rows + i * padded_dim, padded_dim, columns + j, padded_length, scale,
                               to + (i - first) * padded_length + j);
    }
    for (; i < last; ++i) {
      dot_tile<1>(dim, rows + i * padded_dim, padded_dim, columns + j, padded_length, scale,
                  to + (i - first) * padded_length + j);
    }
  }
}

/// to[r, :] = sum over keys 0..i + r of weights[r, key] * values[key, :], for the queries i .. i + kRows - 1.
template <int kRows>
HWY_INLINE void sum_over_keys(Index i, const float* weights, Index padded_length, const float* values, Index padded_dim,
                              float* to) {
  for (Index column = 0; column < padded_dim; column += kTileColumns) {
    for (Index begin = 0; begin <= i; begin += kGemmSegment) {
      const Index end = begin + kGemmSegment < i + 1 ? begin + kGemmSegment : i + 1;
      Tile<kRows> tile;
      tile.clear();
      tile.multiply(end - begin, weights + begin, padded_length, 1, values + begin * padded_dim + column, padded_dim);
      if (i < begin + kGemmSegment) {
        // The keys i + 1, ... belong to the later rows of the tile only.
#pragma GCC unroll 16
        for (int d = 1; d < kRows; ++d) {
#pragma GCC unroll 4
          for (int v = 0; v < kTileVectors; ++v) {
            const Vector value = load(values + (i + d) * padded_dim + column + v * kWidth);
#pragma GCC unroll 16
            for (int r = d; r < kRows; ++r) {
              Vector& sum = tile.sums[r * kTileVectors + v];
              sum = fma(broadcast(weights[r * padded_length + i + d]), value, sum);
            }
          }
        }
      }
      tile.write(to + column, padded_dim, begin > 0);
    }
  }
}

/// The same for all queries of the block [first, last); to[T, Ep].
HWY_INLINE void sum_over_keys_block(Index first, Index last, const float* weights, Index padded_length,
                                    const float* values, Index padded_dim, float* to) {
  Index i = first;
  for (; i + kAttentionRows <= last; i += kAttentionRows) {
    sum_over_keys<kAttentionRows>(i, weights + (i - first) * padded_length, padded_length, values, padded_dim,
                                  to + i * padded_dim);
  }
  for (; i < last; ++i) {
    sum_over_keys<1>(i, weights + (i - first) * padded_length, padded_length, values, padded_dim, to + i * padded_dim);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_ATTENTION_INL_H_
