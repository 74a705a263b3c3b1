#pragma once
// A warp per row: its 32 threads are the 32 lanes of [C-4]. Rows of some lengths are kept in registers, so that they
// are read once; longer ones are read again for each pass.

#include "language.h"
#include "launch.h"

namespace reprise::numerics::cuda {

inline constexpr int kRowsPerBlock = 8;
inline constexpr int kRowThreads = kRowsPerBlock * kWarpSize;

__device__ __forceinline__ int lane_of_thread() { return static_cast<int>(threadIdx.x % kWarpSize); }
__device__ __forceinline__ Index row_of_warp() {
  return Index{blockIdx.x} * kRowsPerBlock + static_cast<Index>(threadIdx.x / kWarpSize);
}

/// What extends a row to a multiple of 32 is +0.
__device__ __forceinline__ float element(const float* row, int i, int dim) { return i < dim ? row[i] : 0.0f; }

/// Calls visit(part, i) for this lane's elements i of a row extended to a multiple of 32, ascending. With kKept > 0,
/// dim is at most 32 * kKept and `part` is known to the compiler, so that it can index registers.
template <int kKept, typename Visit>
__device__ __forceinline__ void visit_row(int dim, const Visit& visit) {
  const int lane = lane_of_thread();
  if constexpr (kKept > 0) {
#pragma unroll
    for (int part = 0; part < kKept; ++part) {
      if (part * kWarpSize < dim) visit(part, part * kWarpSize + lane);
    }
  } else {
#pragma unroll 8
    for (int first = 0; first < dim; first += kWarpSize) visit(0, first + lane);
  }
}

/// One value per element of this lane, kept in registers or computed again.
template <int kKept>
struct KeptValues {
  float values[kKept > 0 ? kKept : 1];

  template <typename Compute>
  __device__ __forceinline__ float again(int part, const Compute& compute) const {
    if constexpr (kKept > 0) {
      return values[part];
    } else {
      return compute();
    }
  }
  __device__ __forceinline__ void keep(int part, float value) {
    if constexpr (kKept > 0) values[part] = value;
  }
};

__device__ __forceinline__ float mean_of_lanes(float lane, int dim) {
  return __fdiv_rn(sum_of_lanes(lane), __int2float_rn(dim));
}

__device__ __forceinline__ float inverse_root(float mean, float epsilon) {
  return __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(mean, epsilon)));
}

/// How many values per lane are kept of rows of `dim` elements.
template <int kCount>
struct Kept {
  static constexpr int kKept = kCount;
};

/// Calls visit(Kept<n>()) with the variant for rows of `dim` elements.
template <typename Visit>
void with_kept(Index dim, const Visit& visit) {
  if (dim <= 8 * kWarpSize) {
    visit(Kept<8>());
  } else if (dim <= 32 * kWarpSize) {
    visit(Kept<32>());
  } else if (dim <= 64 * kWarpSize) {
    visit(Kept<64>());
  } else {
    visit(Kept<0>());
  }
}

}  // namespace reprise::numerics::cuda
