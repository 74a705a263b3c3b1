#pragma once
// How the native profile's norms share out a row: a group of threads, each of which takes packs of neighbours.

#include "launch.h"
#include "native.h"
#include "row.h"

namespace reprise::numerics::cuda {

inline constexpr int kNormThreads = 256;

/// kGroupThreads threads to a row, kPackSize neighbours at a time. With kPacksKept > 0 a thread has at most so many
/// packs of a row, which stay in registers; otherwise a row may be of any length and is read again for each pass.
template <int kGroupThreads, int kPackSize, int kPacksKept>
struct Form {
  static constexpr int kGroup = kGroupThreads;
  static constexpr int kGroups = kNormThreads / kGroup;  // rows of a block at once
  static constexpr int kWidth = kPackSize;
  static constexpr int kKept = kPacksKept;
  static constexpr int kParts = kPacksKept > 0 ? kPacksKept : 1;
  static constexpr Index kLongest = Index{kGroup} * kWidth * kKept;
};
using WarpForm = Form<kWarpSize, kPackWidth, 4>;
using ShortBlockForm = Form<kNormThreads, kPackWidth, 1>;
using BlockForm = Form<kNormThreads, kPackWidth, 4>;
using AnyForm = Form<kNormThreads, 1, 0>;

template <typename F>
__device__ __forceinline__ int group_of_thread() {
  return static_cast<int>(threadIdx.x) / F::kGroup;
}
template <typename F>
__device__ __forceinline__ int thread_of_group() {
  return static_cast<int>(threadIdx.x) % F::kGroup;
}

/// Calls visit(part, i) for this thread's packs, i the first element of one. `part` is known to the compiler, and can
/// index registers, where packs are kept.
template <typename F, typename Visit>
__device__ __forceinline__ void visit_packs(int dim, const Visit& visit) {
  constexpr int kStep = F::kGroup * F::kWidth;
  const int first = thread_of_group<F>() * F::kWidth;
  if constexpr (F::kKept > 0) {
#pragma unroll
    for (int part = 0; part < F::kKept; ++part) {
      if (first + part * kStep < dim) visit(part, first + part * kStep);
    }
  } else {
#pragma unroll 2
    for (int i = first; i < dim; i += kStep) visit(0, i);
  }
}

/// This thread's packs of a row. All loads of those that are kept come before the first use, so that they overlap.
template <typename F, typename T>
class RowPacks {
 public:
  __device__ __forceinline__ RowPacks(const T* row, int dim) : row_(row) {
    if constexpr (F::kKept > 0) {
      visit_packs<F>(dim, [&](int part, int i) { packs_[part] = load_pack<F::kWidth>(row + i); });
    }
  }
  __device__ __forceinline__ void get(int part, int i, float* values) const {
    if constexpr (F::kKept > 0) {
      unpack(packs_[part], values);
    } else {
      load_values<F::kWidth>(row_ + i, values);
    }
  }

 private:
  const T* row_;
  Pack<T, F::kWidth> packs_[F::kParts];
};

/// The sum over a group's threads, for all of them. Every thread of the group calls it; of a block, where that is the
/// group.
template <typename F>
__device__ __forceinline__ float sum_of_group(float x) {
  x = sum_of_lanes(x);
  if constexpr (F::kGroup > kWarpSize) {
    constexpr int kWarps = F::kGroup / kWarpSize;
    REPRISE_SHARED(float, of_warps, [kWarps]);
    __syncthreads();  // what was here has been read
    if (threadIdx.x % kWarpSize == 0) of_warps[threadIdx.x / kWarpSize] = x;
    __syncthreads();
    x = of_warps[0];
#pragma unroll
    for (int warp = 1; warp < kWarps; ++warp) x = __fadd_rn(x, of_warps[warp]);
  }
  return x;
}

/// The rotation of a row, of which each thread has packs. The partner of a pack is read again, from the first-level
/// cache: the group has just read the row.
struct RowRotation {
  unsigned length;
  int head_dim;
  const float* cos;
  const float* sin;
  float sign;  // -1 rotates back

  __device__ __forceinline__ RowRotation of_row(Index row) const {
    const Index angles = Index{static_cast<unsigned>(row) % length} * (head_dim / 2);
    return {length, head_dim, cos + angles, sin + angles, sign};
  }
  /// Rotates the values of the pack that begins at i; other(j, values) gives those of the pack that begins at j.
  template <int kWidth, typename Other>
  __device__ __forceinline__ void rotate(int i, const Other& other, float* values) const {
    const int half = head_dim / 2;
    const int in_head = static_cast<int>(static_cast<unsigned>(i) % static_cast<unsigned>(head_dim));
    const bool is_first = in_head < half;
    const int angle = is_first ? in_head : in_head - half;
    const float partner_sign = is_first ? -sign : sign;
    float partners[kWidth], c[kWidth], s[kWidth];
    other(is_first ? i + half : i - half, partners);
    load_values<kWidth>(cos + angle, c);
    load_values<kWidth>(sin + angle, s);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) {
      values[j] = __fmaf_rn(values[j], c[j], __fmul_rn(partners[j], __fmul_rn(s[j], partner_sign)));
    }
  }
};

inline RowRotation row_rotation(const NativeRotation& rotation, float sign) {
  return {static_cast<unsigned>(rotation.length), static_cast<int>(rotation.head_dim), rotation.cos, rotation.sin,
          sign};
}

inline bool is_aligned(const float* values) {
  constexpr std::uintptr_t kAlignment = 16;
  return reinterpret_cast<std::uintptr_t>(values) % kAlignment == 0;
}
inline bool has_packs(const NativeNorm& norm) { return norm.dim % kPackWidth == 0 && is_aligned(norm.weight); }
/// A pack's partners, and their angles, must be packs too.
inline bool has_packs(const NativeRotation& rotation) {
  return rotation.head_dim / 2 % kPackWidth == 0 && is_aligned(rotation.cos) && is_aligned(rotation.sin);
}

/// Calls visit(Form()) with the form for rows of `dim` elements; `packs`: whether they can be read as packs.
template <typename Visit>
void with_form(Index dim, bool packs, const Visit& visit) {
  if (!packs || dim > BlockForm::kLongest) {
    visit(AnyForm());
  } else if (dim > ShortBlockForm::kLongest) {
    visit(BlockForm());
  } else if (dim > WarpForm::kLongest) {
    visit(ShortBlockForm());
  } else {
    visit(WarpForm());
  }
}

}  // namespace reprise::numerics::cuda
