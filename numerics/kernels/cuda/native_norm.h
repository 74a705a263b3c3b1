#pragma once
// How the native profile's norms share out a row: a group of threads, each of which takes packs of neighbours.

#include "launch.h"
#include "native.h"
#include "operand.h"
#include "row.h"  // inverse_root

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
  static constexpr Index kLongest = Index{kGroup} * kWidth * kKept;
};
using WarpForm = Form<kWarpSize, kPackWidth, 4>;
using ShortBlockForm = Form<kNormThreads, kPackWidth, 2>;
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

// Which packs a thread takes together: one, or two that a rotation turns into one another.
struct Single {
  static constexpr int kPacks = 1;
  __device__ __forceinline__ int first(int e) const { return e; }
  __device__ __forceinline__ int second(int i) const { return i; }
};
struct Halves {
  static constexpr int kPacks = 2;
  int half;  // of a head
  /// Where the element e of all heads' first halves lies in the row.
  __device__ __forceinline__ int first(int e) const {
    return e + static_cast<int>(static_cast<unsigned>(e) / static_cast<unsigned>(half)) * half;
  }
  __device__ __forceinline__ int second(int i) const { return i + half; }
};

/// This thread's share of a row: units of one pack or two, whose values stand one after the other.
template <typename F, typename Packs>
struct Share {
  static constexpr int kWidth = F::kWidth;
  static constexpr int kValues = kWidth * Packs::kPacks;  // of a unit
  static constexpr int kUnits = F::kKept > 0 ? F::kKept / Packs::kPacks : 1;

  int dim;
  Packs packs;

  /// Calls visit(unit, i) for this thread's units, i the first element of one. `unit` is known to the compiler, and can
  /// index registers, where packs are kept.
  template <typename Visit>
  __device__ __forceinline__ void visit(const Visit& visit) const {
    constexpr int kStep = F::kGroup * kWidth;
    const int end = dim / Packs::kPacks;
    const int begin = thread_of_group<F>() * kWidth;
    if constexpr (F::kKept > 0) {
#pragma unroll
      for (int unit = 0; unit < kUnits; ++unit) {
        if (begin + unit * kStep < end) visit(unit, packs.first(begin + unit * kStep));
      }
    } else {
#pragma unroll 2
      for (int e = begin; e < end; e += kStep) visit(0, packs.first(e));
    }
  }
  template <typename T>
  __device__ __forceinline__ void load(const T* row, int i, float* values) const {
    load_values<kWidth>(row + i, values);
    if constexpr (Packs::kPacks == 2) load_values<kWidth>(row + packs.second(i), values + kWidth);
  }
  template <typename T>
  __device__ __forceinline__ void store(T* row, int i, const float* values) const {
    store_values<kWidth>(row + i, values);
    if constexpr (Packs::kPacks == 2) store_values<kWidth>(row + packs.second(i), values + kWidth);
  }
  /// Multiplies the values of the unit at i by those of a row.
  __device__ __forceinline__ void multiply(const float* row, int i, float* values) const {
    float factors[kValues];
    load(row, i, factors);
#pragma unroll
    for (int j = 0; j < kValues; ++j) values[j] = __fmul_rn(values[j], factors[j]);
  }
};

/// This thread's values of a row. All loads of those that are kept come before the first use, so that they overlap.
template <typename F, typename Packs, typename T>
class UnitValues {
 public:
  using RowShare = Share<F, Packs>;
  __device__ __forceinline__ UnitValues(const RowShare& share, const T* row) : share_(share), row_(row) {
    if constexpr (F::kKept > 0) {
      share.visit([&](int unit, int i) {
        kept_[unit][0] = load_pack<F::kWidth>(row + i);
        if constexpr (Packs::kPacks == 2) kept_[unit][1] = load_pack<F::kWidth>(row + share.packs.second(i));
      });
    }
  }
  __device__ __forceinline__ void get(int unit, int i, float* values) const {
    if constexpr (F::kKept > 0) {
#pragma unroll
      for (int k = 0; k < Packs::kPacks; ++k) unpack(kept_[unit][k], values + k * F::kWidth);
    } else {
      share_.load(row_, i, values);
    }
  }

 private:
  RowShare share_;
  const T* row_;
  Pack<T, F::kWidth> kept_[RowShare::kUnits][Packs::kPacks];
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

/// The rotation of a row's heads, a thread both halves of its pairs.
struct RowRotation {
  using Packs = Halves;
  unsigned length;
  int head_dim;
  const float* cos;
  const float* sin;
  float sign;  // -1 rotates back

  __device__ __forceinline__ Packs packs() const { return {head_dim / 2}; }
  __device__ __forceinline__ RowRotation of_row(Index row) const {
    const Index angles = Index{static_cast<unsigned>(row) % length} * (head_dim / 2);
    return {length, head_dim, cos + angles, sin + angles, sign};
  }
  /// Rotates the two packs of the unit that begins at i.
  template <int kWidth>
  __device__ __forceinline__ void rotate(int i, float* values) const {
    const int angle = static_cast<int>(static_cast<unsigned>(i) % static_cast<unsigned>(head_dim));
    float c[kWidth], s[kWidth];
    load_values<kWidth>(cos + angle, c);
    load_values<kWidth>(sin + angle, s);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) {
      const float a = values[j], b = values[kWidth + j], turned = __fmul_rn(s[j], sign);
      values[j] = __fmaf_rn(a, c[j], -__fmul_rn(b, turned));
      values[kWidth + j] = __fmaf_rn(b, c[j], __fmul_rn(a, turned));
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
/// The halves of a head, and their angles, must be packs too.
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
