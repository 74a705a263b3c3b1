// Attention's sums over keys and over queries [C-12], [C-40]: exactly the allowed pairs, in segments of the absolute
// position. Included once per target.

#if defined(REPRISE_ATTENTION_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_ATTENTION_SUMS_INL_H_
#undef REPRISE_ATTENTION_SUMS_INL_H_
#else
#define REPRISE_ATTENTION_SUMS_INL_H_
#endif

#include "attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

/// Rows of a tile: first .. last, none if last < first.
struct RowRange {
  Index first, last;
};

/// sums[r] = fma(a[r, k], b[k], sums[r]) for k ascending in [begin, end) and the rows of range(k) alone; a and b are at
/// k = begin.
template <int kRows, int kVectors, class Range>
HWY_INLINE void multiply_where(Tile<kRows, kVectors>& tile, Index begin, Index end, const float* a, Index a_row_stride,
                               Index a_k_stride, const float* b, Index b_stride, const Range& range) {
  for (Index k = begin; k < end; ++k) {
    const RowRange rows = range(k);
    Vector columns[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) columns[v] = load(b + v * kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      if (r < rows.first || r > rows.last) continue;
      const Vector row = broadcast(a[r * a_row_stride]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        tile.sums[r * kVectors + v] = fma(row, columns[v], tile.sums[r * kVectors + v]);
      }
    }
    a += a_k_stride;
    b += b_stride;
  }
}

/// c[r] = sums[r], or c[r] + sums[r] where adds(r), for the rows of writes(r) alone.
template <int kRows, int kVectors, class Writes, class Adds>
HWY_INLINE void write_where(const Tile<kRows, kVectors>& tile, float* c, Index c_stride, const Writes& writes,
                            const Adds& adds) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    if (!writes(r)) continue;
    const bool add = adds(r);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* to = c + r * c_stride + v * kWidth;
      const Vector sum = tile.sums[r * kVectors + v];
      store(add ? hn::Add(load(to), sum) : sum, to);
    }
  }
}

/// Weights of the queries of a block and the keys of one segment.
struct WeightBlock {
  const float* at;  // of query `first` and key `begin`
  Index stride;
  Index first, last;  // queries
  Index begin, end;   // keys

  HWY_INLINE const float* row(Index query, Index key) const { return at + (query - first) * stride + key - begin; }
};

/// Adds the keys i + 1, ..., i + kRows - 1, which belong to the later rows of the tile of queries i, ... only. weights
/// and values are at query i and key i.
template <int kRows, int kVectors>
HWY_INLINE void multiply_diagonal_keys(Tile<kRows, kVectors>& tile, const float* weights, Index stride,
                                       const float* values, Index padded_dim) {
#pragma GCC unroll 16
  for (int d = 1; d < kRows; ++d) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const Vector value = load(values + d * padded_dim + v * kWidth);
#pragma GCC unroll 16
      for (int r = d; r < kRows; ++r) {
        Vector& sum = tile.sums[r * kVectors + v];
        sum = fma(broadcast(weights[r * stride + d]), value, sum);
      }
    }
  }
}

/// Adds the queries j, ..., j + kRows - 2, which belong to the earlier rows of the tile of keys j, ... only. weights
/// and values are at query j and key j.
template <int kRows, int kVectors>
HWY_INLINE void multiply_diagonal_queries(Tile<kRows, kVectors>& tile, const float* weights, Index stride,
                                          const float* values, Index padded_dim) {
#pragma GCC unroll 16
  for (int d = 0; d < kRows - 1; ++d) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const Vector value = load(values + d * padded_dim + v * kWidth);
#pragma GCC unroll 16
      for (int r = 0; r <= d; ++r) {
        Vector& sum = tile.sums[r * kVectors + v];
        sum = fma(broadcast(weights[d * stride + r]), value, sum);
      }
    }
  }
}

/// to[r, :] = the sum over the allowed keys of the segment of weight * values[key, :], or to[r, :] plus it in later
/// segments, for the queries i .. i + kRows - 1. values is at key 0.
template <int kVectors, class Rule>
HWY_INLINE void sum_over_keys(const Rule& rule, const WeightBlock& block, Index i, const float* values,
                              Index padded_dim, float* to) {
  constexpr int kRows = kAttentionRows;
  Tile<kRows, kVectors> tile;
  tile.clear();
  const Index end = least(i + kRows, block.end);
  const Index common_end = least(i + 1, block.end);  // here the first row ends
  if constexpr (Rule::kPlain) {
    tile.multiply(common_end - block.begin, block.row(i, block.begin), block.stride, 1,
                  values + block.begin * padded_dim, padded_dim);
    if (i < block.end) multiply_diagonal_keys(tile, block.row(i, i), block.stride, values + i * padded_dim, padded_dim);
    tile.write(to, padded_dim, block.begin > 0);
  } else {
    const Index begin = greatest(rule.first_key(i), block.begin);
    const Index common = greatest(rule.first_key(i + kRows - 1), block.begin);  // here the last row begins
    const auto rows_of = [&](Index key) HWY_ATTR {
      Index last = kRows - 1;
      while (last >= 0 && rule.first_key(i + last) > key) --last;
      return RowRange{key - i, last};
    };
    const auto add_ragged = [&](Index from, Index until) HWY_ATTR {
      multiply_where(tile, from, until, block.row(i, from), block.stride, 1, values + from * padded_dim, padded_dim,
                     rows_of);
    };
    add_ragged(begin, least(common, end));
    if (common < common_end) {
      tile.multiply(common_end - common, block.row(i, common), block.stride, 1, values + common * padded_dim,
                    padded_dim);
    }
    add_ragged(greatest(common, common_end), end);
    write_where(
        tile, to, padded_dim, [&](Index r) HWY_ATTR { return rule.first_key(i + r) < block.end; },
        [&](Index r) HWY_ATTR { return rule.first_key(i + r) < block.begin; });
  }
}

/// The same for all queries of a block; `to` is at the block's first query.
template <class Rule>
HWY_INLINE void sum_over_keys_block(const Rule& rule, const WeightBlock& block, const float* values, Index padded_dim,
                                    float* to) {
  for (Index i = block.first; i < block.last; i += kAttentionRows) {
    float* rows = to + (i - block.first) * padded_dim;
    Index column = 0;
    for (; column + kTileColumns <= padded_dim; column += kTileColumns) {
      sum_over_keys<kTileVectors>(rule, block, i, values + column, padded_dim, rows + column);
    }
    if (column < padded_dim) sum_over_keys<1>(rule, block, i, values + column, padded_dim, rows + column);
  }
}

/// Sums over queries for the keys of one segment, carried from one block of queries to the next.
struct QuerySums {
  float* running;  // of a segment of queries that is not over
  float* totals;   // both at the segment's first key
  bool segment_ends;
};

/// Adds the block's share to totals[j + r, :] = sum over the allowed queries of weight * values[query, :], for the keys
/// j .. j + kRows - 1. values is at the block's first query.
template <int kVectors, class Rule>
HWY_INLINE void sum_over_queries(const Rule& rule, const WeightBlock& block, Index j, const float* values,
                                 Index padded_dim, const QuerySums& sums, Index column) {
  constexpr int kRows = kAttentionRows;
  const Index segment = round_down(block.first, kGemmSegment);
  const Index begin = greatest(block.first, j);
  const Index common = greatest(block.first, j + kRows - 1);  // the first query that all keys of the tile have
  Index end = block.last, common_end = block.last;
  if constexpr (!Rule::kPlain) {
    if (rule.first_key(greatest(segment, j)) > j + kRows - 1) return;  // nothing in this segment of queries
    while (end > begin && rule.first_key(end - 1) > j + kRows - 1) --end;
    if (end == begin && !sums.segment_ends) return;
    common_end = end;
    while (common_end > begin && rule.first_key(common_end - 1) > j) --common_end;
  }
  const Index at = (j - block.begin) * padded_dim + column;
  Tile<kRows, kVectors> tile;
  if (j >= block.first || block.first == segment) {
    tile.clear();
  } else {
    tile.read(sums.running + at, padded_dim);
  }
  const auto value_row = [&](Index query) HWY_ATTR { return values + (query - block.first) * padded_dim + column; };
  const auto add_ragged = [&](Index from, Index until) HWY_ATTR {
    multiply_where(tile, from, until, block.row(from, j), 1, block.stride, value_row(from), padded_dim,
                   [&](Index query) HWY_ATTR {
                     return RowRange{rule.first_key(query) - j, query - j};
                   });
  };
  if (Rule::kPlain && begin < common && common < end) {
    multiply_diagonal_queries(tile, block.row(j, j), block.stride, value_row(j), padded_dim);
  } else {
    add_ragged(begin, least(common, end));
  }
  if (common < common_end) {
    tile.multiply(common_end - common, block.row(common, j), 1, block.stride, value_row(common), padded_dim);
  }
  if constexpr (!Rule::kPlain) add_ragged(greatest(common, common_end), end);
  if (!sums.segment_ends) {
    tile.write(sums.running + at, padded_dim, false);
  } else if constexpr (Rule::kPlain) {
    tile.write(sums.totals + at, padded_dim, segment > j);
  } else {
    write_where(
        tile, sums.totals + at, padded_dim,
        [&](Index r) HWY_ATTR { return rule.first_key(greatest(segment, j + r)) <= j + r; },
        [&](Index) HWY_ATTR { return segment > j; });
  }
}

/// The same for all keys of the segment.
template <class Rule>
HWY_INLINE void sum_over_queries_block(const Rule& rule, const WeightBlock& block, const float* values,
                                       Index padded_dim, const QuerySums& sums) {
  const Index end = least(block.end, block.last);
  for (Index j = block.begin; j < end; j += kAttentionRows) {
    Index column = 0;
    for (; column + kTileColumns <= padded_dim; column += kTileColumns) {
      sum_over_queries<kTileVectors>(rule, block, j, values, padded_dim, sums, column);
    }
    if (column < padded_dim) sum_over_queries<1>(rule, block, j, values, padded_dim, sums, column);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_ATTENTION_SUMS_INL_H_
