#pragma once
// Products of tiles for attention. A tile has 64 rows (queries or keys) and 64 columns (keys, queries or elements of
// the head); 128 threads hold 4 x 8 of its values each, and the 16 rows of a warp are the warp's alone.
//
// A multiprocessor starts 4 fused multiply-adds of a warp per cycle, and reads one row of its 32 banks. In the products
// below 12 loads of 16 bytes, each two rows of banks, feed 128 multiply-adds of a warp: 24 cycles of 32.

#include "language.h"

namespace reprise::numerics::cuda {

inline constexpr int kTile = 64;
inline constexpr int kTileThreads = 128;
inline constexpr int kTileRows = 4;                // of a thread
inline constexpr int kTileColumns = 8;             // of a thread
inline constexpr int kSegmentTiles = 256 / kTile;  // tiles of a segment of [C-3]

/// Where the 64 rows of a tile begin in shared memory. Rows that are read together are kTogether neighbours: each lies
/// in a group of its own, so that one gap per group puts them into different banks, where one per row took 6 KiB more.
template <int kWidth, int kTogether, int kGap>
struct RowPlaces {
  static constexpr int kGroup = kTile / kTogether * kWidth + kGap;
  static constexpr int kFloats = kTogether * kGroup;
  /// at(a + b) is at(a) + at(b) where the remainders of a and b by kTogether add up to less than it.
  static constexpr int at(int row) { return row % kTogether * kGroup + row / kTogether * kWidth; }
};
/// Elements, of which a warp reads four of each of eight rows; weights, of which it reads four of each of four rows and
/// writes eight; what it reads a row at a time.
template <int kWidth>
using WideElementRows = RowPlaces<kWidth, 8, 4>;
using ElementRows = WideElementRows<kTile>;
using WeightRows = RowPlaces<kTile, 4, 8>;
using PlainRows = RowPlaces<kTile, 1, 0>;

/// What a block keeps of a head: all of it in shared memory; a chunk at a time; the same, with several segments of
/// [C-3].
enum class HeadSize { kWhole, kOneSegment, kAny };

/// A thread's place in a tile: rows row + 4 i; columns column + 8 c, or of elements 4 column + c and 32 more. Lanes
/// that differ in bit 0 read the same row and those that differ in bit 1 the same column, for loads of 16 bytes are
/// merged between such neighbours.
struct TilePlace {
  int row, column;
};
__device__ __forceinline__ int column_of_lane(int lane) { return (lane & 1) | ((lane >> 1) & 6); }
__device__ __forceinline__ int row_of_lane(int lane) { return ((lane >> 1) & 1) | ((lane >> 3) & 2); }
__device__ __forceinline__ TilePlace tile_place() {
  const int thread = static_cast<int>(threadIdx.x) % kTileThreads, lane = thread % kWarpSize;
  return {thread / kWarpSize * 16 + row_of_lane(lane), column_of_lane(lane)};
}
/// Distances in a warp between lanes of one row: columns that differ by 4, 2 and 1.
inline constexpr int kColumnDistance4 = 8, kColumnDistance2 = 4, kColumnDistance1 = 1;

using Tile = float[kTileRows][kTileColumns];

__device__ __forceinline__ void clear_tile(Tile& tile) {
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
#pragma unroll
    for (int c = 0; c < kTileColumns; ++c) tile[i][c] = 0.0f;
  }
}

/// Ends a segment of a dot [C-3]: total = sums, or total plus it; sums begins anew.
__device__ __forceinline__ void fold_segment(Tile& sums, Tile& total, bool starts) {
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
#pragma unroll
    for (int c = 0; c < kTileColumns; ++c) {
      total[i][c] = starts ? sums[i][c] : __fadd_rn(total[i][c], sums[i][c]);
      sums[i][c] = 0.0f;
    }
  }
}
/// sums = total plus the last segment.
__device__ __forceinline__ void end_segments(Tile& sums, const Tile& total) {
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
#pragma unroll
    for (int c = 0; c < kTileColumns; ++c) sums[i][c] = __fadd_rn(total[i][c], sums[i][c]);
  }
}

/// The greatest value of a row whose columns eight lanes hold [C-5].
__device__ __forceinline__ float greatest_of_row(float x) {
  constexpr int kDistances[] = {kColumnDistance4, kColumnDistance2, kColumnDistance1};
#pragma unroll
  for (int step = 0; step < 3; ++step) {
    const float other = __shfl_xor_sync(kWholeWarp, x, kDistances[step]);
    x = other > x ? other : x;
  }
  return __fadd_rn(x, 0.0f);
}

/// The lane sum [C-4] of a row of which a thread holds the lanes column + 8 b.
__device__ __forceinline__ float sum_of_row(const float (&lanes)[4]) {
  float sum = __fadd_rn(__fadd_rn(lanes[0], lanes[2]), __fadd_rn(lanes[1], lanes[3]));
  constexpr int kDistances[] = {kColumnDistance4, kColumnDistance2, kColumnDistance1};
#pragma unroll
  for (int step = 0; step < 3; ++step) {
    sum = __fadd_rn(sum, __shfl_xor_sync(kWholeWarp, sum, kDistances[step]));
  }
  return sum;
}

/// Rows of one head in global memory, from the first of a tile on.
struct HeadRows {
  const float* from;
  Index stride;
  int count;  // beyond it there is nothing
  int dim;
  bool aligned;
};

/// Starts to copy the chunk of elements that begins at `element`; what is not there stays undefined.
template <int kThreads, typename Places>
__device__ __forceinline__ void copy_chunk(const HeadRows& rows, int element, float* tile) {
  constexpr int kQuads = kTile / 4, kStep = kThreads / kQuads;  // a thread's rows lie kStep apart
  const int row = static_cast<int>(threadIdx.x) / kQuads, column = static_cast<int>(threadIdx.x) % kQuads * 4;
  const int width = rows.dim - element - column;
  if (width <= 0) return;
  const Index stride = recomputed(rows.stride);
  const float* from = rows.from + row * stride + element + column;
  float* const to = tile + Places::at(row) + column;
  if (rows.aligned) {
#pragma unroll
    for (int step = 0; step < kTile; step += kStep) {
      if (row + step < rows.count) copy16_later(to + Places::at(step), from);
      from += kStep * stride;
    }
    return;
  }
#pragma unroll 1
  for (int step = 0; step < kTile && row + step < rows.count; step += kStep) {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      if (e < width) copy4_later(to + Places::at(step) + e, from + e);
    }
    from += kStep * stride;
  }
}

/// Waits until all copies of the block are there for all its threads.
__device__ __forceinline__ void finish_copies() {
  commit_copies();
  wait_for_copies<0>();
  __syncthreads();
}

/// sums[i][c] = fma(rows[i, e], columns[c, e], sums[i][c]) for e ascending below `count`. Both point at the thread's
/// first row and column.
template <typename Places>
__device__ __forceinline__ void add_dots(Tile& sums, const float* rows, const float* columns, int count) {
  const int whole = count / 4 * 4;
#pragma unroll 1
  for (int e = 0; e < whole; e += 4) {
    float4 row[kTileRows];
#pragma unroll
    for (int i = 0; i < kTileRows; ++i) row[i] = load4(rows + Places::at(4 * i) + e);
#pragma unroll
    for (int c = 0; c < kTileColumns; ++c) {
      const float4 column = load4(columns + ElementRows::at(8 * c) + e);
#pragma unroll
      for (int i = 0; i < kTileRows; ++i) sums[i][c] = __fmaf_rn(row[i].x, column.x, sums[i][c]);
#pragma unroll
      for (int i = 0; i < kTileRows; ++i) sums[i][c] = __fmaf_rn(row[i].y, column.y, sums[i][c]);
#pragma unroll
      for (int i = 0; i < kTileRows; ++i) sums[i][c] = __fmaf_rn(row[i].z, column.z, sums[i][c]);
#pragma unroll
      for (int i = 0; i < kTileRows; ++i) sums[i][c] = __fmaf_rn(row[i].w, column.w, sums[i][c]);
    }
  }
#pragma unroll 1
  for (int e = whole; e < count; ++e) {
#pragma unroll
    for (int c = 0; c < kTileColumns; ++c) {
#pragma unroll
      for (int i = 0; i < kTileRows; ++i) {
        sums[i][c] = __fmaf_rn(rows[Places::at(4 * i) + e], columns[ElementRows::at(8 * c) + e], sums[i][c]);
      }
    }
  }
}

/// sums[i][:] = fma(weight[i], values[4 column .. and 32 further], sums[i][:]), of the rows that `allowed` alone: where
/// a pair is not allowed even a product of zero would turn a sum of -0 into +0.
template <typename Allowed>
__device__ __forceinline__ void add_weighted_row(Tile& sums, const float (&weight)[kTileRows], const float* values,
                                                 const Allowed& allowed) {
  const float4 low = load4(values), high = load4(values + kTile / 2);
  const float value[kTileColumns] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
    const bool takes = allowed(i);
#pragma unroll
    for (int n = 0; n < kTileColumns; ++n) {
      const int c = serpentine<kTileColumns>(i, n);
      const float next = __fmaf_rn(weight[i], value[c], sums[i][c]);
      sums[i][c] = takes ? next : sums[i][c];
    }
  }
}

template <typename Allowed>
__device__ __forceinline__ void add_weighted_tile(Tile& sums, const float* weights, const float* values,
                                                  const Allowed& allowed) {
  int step = ElementRows::at(4);  // to the next four rows: of the groups behind, then of the first ones again
#pragma unroll 1
  for (int first = 0; first < kTile; first += 4) {
    float4 row[kTileRows];
#pragma unroll
    for (int i = 0; i < kTileRows; ++i) row[i] = load4(weights + WeightRows::at(4 * i) + first);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      float weight[kTileRows];
#pragma unroll
      for (int i = 0; i < kTileRows; ++i) {
        weight[i] = k == 0 ? row[i].x : k == 1 ? row[i].y : k == 2 ? row[i].z : row[i].w;
      }
      add_weighted_row(sums, weight, values + ElementRows::at(k), [&](int i) { return allowed(i, first + k); });
    }
    values += step, step = ElementRows::at(8) - step;
  }
}

/// sums += weights[row i, k] * values[k, :] for k ascending over the tile: pairs that allowed(i, k) alone unless
/// `whole`. `weights` points at the thread's first row, `values` at its first column.
template <typename Allowed>
__device__ __forceinline__ void add_weighted(Tile& sums, const float* weights, const float* values, bool whole,
                                             const Allowed& allowed) {
  if (whole) {
    add_weighted_tile(sums, weights, values, [](int, int) { return true; });
  } else {
    add_weighted_tile(sums, weights, values, allowed);
  }
}

/// Calls put(element of the row, value) for the thread's elements of row i that the head has; `width` elements of the
/// chunk are there.
template <typename Put>
__device__ __forceinline__ void for_each_element(const float (&row)[kTileColumns], int column, int width,
                                                 const Put& put) {
#pragma unroll
  for (int c = 0; c < kTileColumns; ++c) {
    const int element = 4 * column + c % 4 + c / 4 * (kTile / 2);
    if (element < width) put(element, row[c]);
  }
}

}  // namespace reprise::numerics::cuda
