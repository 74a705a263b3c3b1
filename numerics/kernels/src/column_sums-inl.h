// Sums over the rows of a matrix, one per column, in the segments of [C-3]. Included once per target.

#if defined(REPRISE_COLUMN_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_COLUMN_SUMS_INL_H_
#undef REPRISE_COLUMN_SUMS_INL_H_
#else
#define REPRISE_COLUMN_SUMS_INL_H_
#endif

#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

inline constexpr Index kRowSegment = 256;

/// Sums of the columns from `first` on, kVectors vectors of them side by side so that a row is read in long pieces.
/// `accumulate(row, column, count, sum)` returns the sum with the term of that row.
template <Index kVectors, typename Accumulate>
HWY_INLINE void sum_column_block(Index num_rows, Index dim, Index first, const Accumulate& accumulate, float* sums) {
  Vector total[kVectors];
  for (auto& t : total) t = zero();
  for (Index begin = 0; begin < num_rows; begin += kRowSegment) {
    const Index end = begin + kRowSegment < num_rows ? begin + kRowSegment : num_rows;
    Vector sum[kVectors];
    for (auto& s : sum) s = zero();
    for (Index row = begin; row < end; ++row) {
      for (Index v = 0; v < kVectors; ++v) {
        const Index column = first + v * kWidth;
        sum[v] = accumulate(row, column, dim - column, sum[v]);
      }
    }
    for (Index v = 0; v < kVectors; ++v) total[v] = begin == 0 ? sum[v] : hn::Add(total[v], sum[v]);
  }
  for (Index v = 0; v < kVectors; ++v) store_some(total[v], sums + first + v * kWidth, dim - first - v * kWidth);
}

template <typename Accumulate>
HWY_INLINE void sum_columns(Index num_rows, Index dim, const Accumulate& accumulate, float* sums) {
  Index first = 0;
  for (; first + 4 * kWidth <= dim; first += 4 * kWidth) {
    sum_column_block<4>(num_rows, dim, first, accumulate, sums);
  }
  for (; first < dim; first += kWidth) sum_column_block<1>(num_rows, dim, first, accumulate, sums);
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_COLUMN_SUMS_INL_H_
