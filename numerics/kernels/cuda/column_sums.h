#pragma once
// Sums over the rows of a matrix, one per column, in the segments of [C-3]: a block adds a segment of 32 columns, which
// all its threads bring to shared memory and one warp adds in order; a second kernel adds the segments left to right.

#include "language.h"
#include "launch.h"

namespace reprise::numerics::cuda {

inline constexpr int kSegmentRows = 256;
inline constexpr int kSumColumns = 32;
inline constexpr int kColumnSumThreads = 256;

/// `terms.first(row, column)` is added, or, with Terms::kProducts, its product with `terms.second(row, column)` by fma.
template <typename Terms>
__global__ void __launch_bounds__(kColumnSumThreads)
    sum_segments(Index num_rows, Index dim, unsigned num_tiles, Terms terms, float* sums) {
  constexpr int kWarps = kColumnSumThreads / kWarpSize;
  float* const first = dynamic_shared();
  float* const second = first + kSegmentRows * kSumColumns;  // where there are products
  const int lane = static_cast<int>(threadIdx.x % kWarpSize), warp = static_cast<int>(threadIdx.x / kWarpSize);
  const Index segment = blockIdx.x / num_tiles;
  const Index column = Index{blockIdx.x % num_tiles} * kSumColumns + lane;
  const Index begin = segment * kSegmentRows;
  const int count = static_cast<int>(num_rows - begin < kSegmentRows ? num_rows - begin : kSegmentRows);
  if (column < dim) {
#pragma unroll 8
    for (int row = warp; row < count; row += kWarps) {
      first[row * kSumColumns + lane] = terms.first(begin + row, column);
      if constexpr (Terms::kProducts) second[row * kSumColumns + lane] = terms.second(begin + row, column);
    }
  }
  __syncthreads();
  if (warp != 0 || column >= dim) return;
  float sum = 0.0f;
#pragma unroll 16
  for (int row = 0; row < count; ++row) {
    const int at = row * kSumColumns + lane;
    if constexpr (Terms::kProducts) {
      sum = __fmaf_rn(first[at], second[at], sum);
    } else {
      sum = __fadd_rn(sum, first[at]);
    }
  }
  sums[segment * dim + column] = sum;
}

/// Adds the sums of segments; there are at least two.
void add_segments(Queue& queue, Index num_segments, Index dim, const float* segment_sums, float* sums);

template <typename Terms>
void sum_columns(Queue& queue, Index num_rows, Index dim, const Terms& terms, float* sums) {
  const Index num_segments = num_rows <= kSegmentRows ? 1 : (num_rows + kSegmentRows - 1) / kSegmentRows;
  const unsigned num_tiles = blocks_for(dim, kSumColumns);
  float* const parts = num_segments == 1 ? sums : queue.scratch(Scratch::kColumnSums, num_segments * dim);
  constexpr std::size_t kBytes = (Terms::kProducts ? 2 : 1) * kSegmentRows * kSumColumns * sizeof(float);
  launch(queue, sum_segments<Terms>, static_cast<unsigned>(num_segments) * num_tiles, kColumnSumThreads, kBytes,
         num_rows, dim, num_tiles, terms, parts);
  if (num_segments > 1) add_segments(queue, num_segments, dim, parts, sums);
}

}  // namespace reprise::numerics::cuda
