#pragma once
// What a block of a matrix product does with one step of k: copies of the operands to shared memory, and 8 x 8 sums
// per thread from there. A warp has 32 x 64 elements of c.

#include "language.h"

namespace reprise::numerics::cuda {

constexpr int kThreadRows = 8, kThreadColumns = 8;
constexpr int kWarpRows = 32, kWarpColumns = 64;
// Behind a row of k. With it, lanes that copy 8 k of 4 rows write to 32 banks, and rows stay aligned to 16 bytes.
constexpr int kBankGap = 4;

/// Elements of c that a block computes. As many blocks as a multiprocessor holds with 128 registers per thread.
template <int kWarpsDown, int kWarpsAcross, int kStep>
struct Tile {
  static constexpr int kStepLength = kStep;  // of k, in shared memory at a time
  static constexpr int kAcross = kWarpsAcross;
  static constexpr int kRows = kWarpsDown * kWarpRows;
  static constexpr int kColumns = kWarpsAcross * kWarpColumns;
  static constexpr int kThreads = kWarpsDown * kWarpsAcross * kWarpSize;
  static constexpr int kBlocksPerMultiprocessor = 512 / kThreads;
  static constexpr std::size_t kSharedBytes = 2 * kStepLength * (kRows + kColumns + 2 * kBankGap) * sizeof(float);
};

/// How an operand lies in memory: neighbours in k, or neighbours in its other index, aligned to 16 bytes or not.
enum class Layout { kAlongK, kAcross, kAcrossAligned };

/// One operand's share of a step: `count` of k and `extent` elements of its other index, from `data` on.
struct StepOperand {
  const float* data;
  Index stride;  // of the index that is not contiguous
  int extent;
  int count;
};

/// Starts copies of neighbours in k to the rows of k they belong to: one element each, for they part.
template <int kStepLength, int kExtent, int kThreads, bool kWhole>
__device__ __forceinline__ void copy_along_k(float (*tile)[kExtent + kBankGap], const StepOperand& from) {
  constexpr int kNeighbours = 8;  // 32 bytes of a row: a sector
  const int k = static_cast<int>(threadIdx.x) % kNeighbours;
  const int row = static_cast<int>(threadIdx.x) / kNeighbours;
  const float* data = from.data + row * from.stride + k;
#pragma unroll
  for (int r = 0; r < kExtent; r += kThreads / kNeighbours) {
#pragma unroll
    for (int p = 0; p < kStepLength; p += kNeighbours) {
      if (kWhole || (row + r < from.extent && k + p < from.count)) copy4_later(&tile[k + p][row + r], data + p);
    }
    data += kThreads / kNeighbours * from.stride;
  }
}

/// Starts copies of rows of k.
template <int kStepLength, int kExtent, int kThreads, bool kWhole, bool kAligned>
__device__ __forceinline__ void copy_across(float (*tile)[kExtent + kBankGap], const StepOperand& from) {
  constexpr int kWidth = kAligned ? 4 : 1;
  constexpr int kPerRow = kExtent / kWidth;
  const int column = static_cast<int>(threadIdx.x) % kPerRow * kWidth;
  const int k = static_cast<int>(threadIdx.x) / kPerRow;
  const float* data = from.data + k * from.stride + column;
#pragma unroll
  for (int p = 0; p < kStepLength; p += kThreads / kPerRow) {
    float* const to = &tile[k + p][column];
    if (kWhole) {
      kAligned ? copy16_later(to, data) : copy4_later(to, data);
    } else if (k + p < from.count && kAligned && column + kWidth <= from.extent) {
      copy16_later(to, data);
    } else if (k + p < from.count) {
      for (int e = 0; e < kWidth && column + e < from.extent; ++e) copy4_later(to + e, data + e);
    }
    data += kThreads / kPerRow * from.stride;
  }
}

/// Starts the copies of this thread. What lies behind the extent or the count is left as it is, and never used.
template <Layout kLayout, int kStepLength, int kExtent, int kThreads>
__device__ __forceinline__ void copy_step(float (*tile)[kExtent + kBankGap], const StepOperand& from) {
  const bool whole = from.extent >= kExtent && from.count == kStepLength;
  if constexpr (kLayout == Layout::kAlongK) {
    if (whole) {
      copy_along_k<kStepLength, kExtent, kThreads, true>(tile, from);
    } else {
      copy_along_k<kStepLength, kExtent, kThreads, false>(tile, from);
    }
  } else {
    constexpr bool kAligned = kLayout == Layout::kAcrossAligned;
    if (whole) {
      copy_across<kStepLength, kExtent, kThreads, true, kAligned>(tile, from);
    } else {
      copy_across<kStepLength, kExtent, kThreads, false, kAligned>(tile, from);
    }
  }
}

/// The first row and column of a thread's elements inside the tile: rows first .. first + 3 and the same 16 further on,
/// columns likewise with 32. Lanes 2 i and 2 i + 1 read the same of b, lanes 16 apart others of a: the 16-byte loads
/// of half a warp then come out of distinct banks, or are the same.
struct ThreadPlace {
  int row, column;
};
template <typename TileShape>
__device__ __forceinline__ ThreadPlace thread_place() {
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize, lane = static_cast<int>(threadIdx.x) % kWarpSize;
  return {warp / TileShape::kAcross * kWarpRows + (lane / 16 * 2 + lane % 2) * 4,
          warp % TileShape::kAcross * kWarpColumns + lane / 2 % 8 * 4};
}

/// 8 elements of an operand: 4, and 4 at a distance.
__device__ __forceinline__ void load_fragment(const float* from, int distance, float (&to)[8]) {
  const float4 first = load4(from), second = load4(from + distance);
  to[0] = first.x, to[1] = first.y, to[2] = first.z, to[3] = first.w;
  to[4] = second.x, to[5] = second.y, to[6] = second.z, to[7] = second.w;
}

/// The sums of a thread over k, ascending from +0 [C-3].
struct ThreadSums {
  float sums[kThreadRows][kThreadColumns];

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (auto& row : sums) {
#pragma unroll
      for (float& sum : row) sum = 0.0f;
    }
  }

  __device__ __forceinline__ void multiply(const float (&a)[kThreadRows], const float (&b)[kThreadColumns]) {
#pragma unroll
    for (int i = 0; i < kThreadRows; ++i) {
#pragma unroll
      for (int n = 0; n < kThreadColumns; ++n) {
        const int j = serpentine<kThreadColumns>(i, n);
        sums[i][j] = __fmaf_rn(a[i], b[j], sums[i][j]);
      }
    }
  }

  /// A whole step; the fragments of the next k are loaded while those of this one are multiplied.
  template <int kStepLength, int kStrideA, int kStrideB>
  __device__ __forceinline__ void add_step(const float* a, const float* b) {
    float from_a[2][kThreadRows], from_b[2][kThreadColumns];
    load_fragment(a, kWarpRows / 2, from_a[0]);
    load_fragment(b, kWarpColumns / 2, from_b[0]);
#pragma unroll
    for (int k = 0; k < kStepLength; ++k) {
      if (k + 1 < kStepLength) {
        load_fragment(a + (k + 1) * kStrideA, kWarpRows / 2, from_a[(k + 1) % 2]);
        load_fragment(b + (k + 1) * kStrideB, kWarpColumns / 2, from_b[(k + 1) % 2]);
      }
      multiply(from_a[k % 2], from_b[k % 2]);
    }
  }

  /// A step that ends early: exactly `count` of k, for a product with a padded zero could make a NaN or lose a -0.
  template <int kStrideA, int kStrideB>
  __device__ __forceinline__ void add_short_step(const float* a, const float* b, int count) {
#pragma unroll 1
    for (int k = 0; k < count; ++k) {
      float from_a[kThreadRows], from_b[kThreadColumns];
      load_fragment(a + k * kStrideA, kWarpRows / 2, from_a);
      load_fragment(b + k * kStrideB, kWarpColumns / 2, from_b);
      multiply(from_a, from_b);
    }
  }

  /// Writes the sums that lie in the first num_rows rows and num_columns columns from c on, or adds them to what is
  /// there. Rows of c are aligned to 16 bytes when `aligned`.
  __device__ __forceinline__ void write(float* c, Index ldc, int num_rows, int num_columns, bool aligned,
                                        bool add) const {
    constexpr int kRowsSpanned = kWarpRows / 2 + 4, kColumnsSpanned = kWarpColumns / 2 + 4;
    if (!aligned || num_rows < kRowsSpanned || num_columns < kColumnsSpanned) {
      write_some(c, ldc, num_rows, num_columns, add);
    } else if (add) {
      add_rows<0>(c, ldc);
      add_rows<2>(c + 2 * ldc, ldc);
      add_rows<4>(c + kWarpRows / 2 * ldc, ldc);
      add_rows<6>(c + (kWarpRows / 2 + 2) * ldc, ldc);
    } else {
      write_all(c, ldc);
    }
  }

 private:
  __device__ __forceinline__ void write_all(float* c, Index ldc) const {
#pragma unroll
    for (int i = 0; i < kThreadRows; ++i) {
      float* const to = c + (i % 4 + i / 4 * (kWarpRows / 2)) * ldc;
      const float(&row)[kThreadColumns] = sums[i];
      store4(to, make_float4(row[0], row[1], row[2], row[3]));
      store4(to + kWarpColumns / 2, make_float4(row[4], row[5], row[6], row[7]));
    }
  }

  /// Two rows: all loads are under way before the first addition, in the registers of the fragments.
  template <int kFirst>
  __device__ __forceinline__ void add_rows(float* c, Index ldc) const {
    float4 totals[2][2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      totals[i][0] = load4(c + i * ldc);
      totals[i][1] = load4(c + i * ldc + kWarpColumns / 2);
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      store4(c + i * ldc, sum(totals[i][0], &sums[kFirst + i][0]));
      store4(c + i * ldc + kWarpColumns / 2, sum(totals[i][1], &sums[kFirst + i][4]));
    }
  }

  static __device__ __forceinline__ float4 sum(float4 total, const float* x) {
    return make_float4(__fadd_rn(total.x, x[0]), __fadd_rn(total.y, x[1]), __fadd_rn(total.z, x[2]),
                       __fadd_rn(total.w, x[3]));
  }

  /// At the edges of c, and where it is not aligned.
  __device__ __forceinline__ void write_some(float* c, Index ldc, int num_rows, int num_columns, bool add) const {
#pragma unroll
    for (int i = 0; i < kThreadRows; ++i) {
      const int row = i % 4 + i / 4 * (kWarpRows / 2);
#pragma unroll
      for (int j = 0; j < kThreadColumns; ++j) {
        const int column = j % 4 + j / 4 * (kWarpColumns / 2);
        if (row >= num_rows || column >= num_columns) continue;
        float* const to = c + row * ldc + column;
        *to = add ? __fadd_rn(*to, sums[i][j]) : sums[i][j];
      }
    }
  }
};

}  // namespace reprise::numerics::cuda
