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

/// Whether the row, extended to a multiple of 32, has an element i of this lane.
__device__ __forceinline__ bool reaches(int i, int dim) { return i - lane_of_thread() < dim; }

/// Elements of a lane whose loads overlap.
inline constexpr int kBatch = 8;

/// Calls visit(part, first) for batches of this lane's elements: first, first + 32, ... With kKept > 0, dim is at most
/// 32 * kKept and `part`, how many elements of the lane come before, is known to the compiler and can index registers.
template <int kKept, typename Visit>
__device__ __forceinline__ void visit_batches(int dim, const Visit& visit) {
  const int lane = lane_of_thread();
  if constexpr (kKept > 0) {
#pragma unroll
    for (int part = 0; part < kKept; part += kBatch) {
      if (part * kWarpSize < dim) visit(part, part * kWarpSize + lane);
    }
  } else {
#pragma unroll 1
    for (int begin = 0; begin < dim; begin += kBatch * kWarpSize) visit(0, begin + lane);
  }
}

template <typename Compute>
__device__ __forceinline__ void compute_batch(int first, const Compute& compute, float* values) {
#pragma unroll
  for (int k = 0; k < kBatch; ++k) values[k] = compute(first + k * kWarpSize);
}

/// Calls visit(k, i) for the elements of a batch that are within `dim`.
template <typename Visit>
__device__ __forceinline__ void visit_elements(int first, int dim, const Visit& visit) {
#pragma unroll
  for (int k = 0; k < kBatch; ++k) {
    if (first + k * kWarpSize < dim) visit(k, first + k * kWarpSize);
  }
}

/// One value per element of this lane, computed once and kept in registers, or computed again for each pass.
template <int kKept>
class RowValues {
 public:
  template <typename Compute>
  __device__ __forceinline__ void prepare(int dim, const Compute& compute) {
    if constexpr (kKept > 0) {
      visit_batches<kKept>(dim, [&](int part, int first) { compute_batch(first, compute, values_ + part); });
    }
  }
  template <typename Compute>
  __device__ __forceinline__ const float* batch(int part, int first, const Compute& compute) {
    if constexpr (kKept == 0) compute_batch(first, compute, values_);
    return values_ + part;
  }

 private:
  float values_[kKept > 0 ? kKept : kBatch];
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
