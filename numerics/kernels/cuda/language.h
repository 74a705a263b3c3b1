#pragma once
// What a kernel source is written in: CUDA, or its emulation on the host where tests compile the same source without
// a GPU. Kernels use nothing of CUDA that is not here or in the emulation: rounding is written out (__fmaf_rn,
// __fmul_rn, __fadd_rn), so that no compiler option can contract or approximate it, and there are no atomics.

#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#else
#include "emulated_cuda.h"
#endif

namespace reprise::numerics::cuda {

using Index = std::int64_t;
inline constexpr unsigned kWholeWarp = 0xffffffffu;
inline constexpr int kWarpSize = 32;

#if defined(__CUDACC__)
/// A variable of the block: `REPRISE_SHARED(float, tile, [16][33]);`
#define REPRISE_SHARED(type, name, extent) __shared__ __align__(16) type name extent

/// The block's dynamic shared memory, aligned to 16 bytes.
__device__ __forceinline__ float* dynamic_shared() {
  extern __shared__ float4 reprise_dynamic_shared[];
  return reinterpret_cast<float*>(reprise_dynamic_shared);
}

/// Starts a copy of 16 or 4 bytes from global to shared memory, both aligned to it. Groups complete in order.
__device__ __forceinline__ void copy16_later(float* shared, const float* global) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(to), "l"(global) : "memory");
}
__device__ __forceinline__ void copy4_later(float* shared, const float* global) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;\n" ::"r"(to), "l"(global) : "memory");
}
__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
/// Waits until at most kGroups of this thread's groups are under way. A barrier must follow before others read.
template <int kGroups>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(kGroups) : "memory");
}
/// Returns x and hides where it comes from, so that what is computed from it is not kept in registers across a loop.
template <typename T>
__device__ __forceinline__ T recomputed(T x) {
  static_assert(sizeof(T) == 8);
  asm volatile("" : "+l"(x));
  return x;
}
/// Two values as bfloat16, to nearest even, the first in the lower half. Every NaN is 0x7fff.
__device__ __forceinline__ unsigned bfloat16_pair(float first, float second) {
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}
__device__ __forceinline__ float4 load4(const float* from) { return *reinterpret_cast<const float4*>(from); }
__device__ __forceinline__ void store4(float* to, float4 x) { *reinterpret_cast<float4*>(to) = x; }
#else
#define REPRISE_SHARED(type, name, extent) \
  type(&name) extent = *static_cast<type(*) extent>(emulation::shared_variable(__FILE__, __LINE__, sizeof(type extent)))

inline float* dynamic_shared() { return static_cast<float*>(emulation::dynamic_shared()); }
inline void copy16_later(float* shared, const float* global) { emulation::copy_later(shared, global, 16); }
inline void copy4_later(float* shared, const float* global) { emulation::copy_later(shared, global, 4); }
inline void commit_copies() { emulation::commit_copies(); }
template <int kGroups>
void wait_for_copies() {
  emulation::wait_for_copies(kGroups);
}
template <typename T>
T recomputed(T x) {
  return x;
}
inline unsigned bfloat16_pair(float first, float second) {
  const auto rounded = [](float x) {
    const unsigned bits = __float_as_uint(x);
    return x == x ? bits + 0x7fffu + (bits >> 16 & 1u) : 0x7fff0000u;
  };
  return rounded(first) >> 16 | (rounded(second) & 0xffff0000u);
}
inline float4 load4(const float* from) {
  emulation::check_access(from, 16, "a load of 16 bytes");
  return *reinterpret_cast<const float4*>(from);
}
inline void store4(float* to, float4 x) {
  emulation::check_access(to, 16, "a store of 16 bytes");
  *reinterpret_cast<float4*>(to) = x;
}
#endif

/// Returns x, of which the compiler then knows nothing: what is made of it stays where it is written. Without this it
/// computes conditions that are seldom needed before a loop, and keeps them in registers through it.
__device__ __forceinline__ int unknown(int x) {
#if defined(__CUDACC__)
  asm volatile("" : "+r"(x));
#endif
  return x;
}

/// The n-th of kCount in a line, odd lines backwards: the operand that ends a line of multiply-adds begins the next
/// one. It is then kept beside the multipliers (`.reuse` in the machine code) and not read from the registers once
/// more.
template <int kCount>
__device__ __forceinline__ constexpr int serpentine(int line, int n) {
  return line % 2 == 0 ? n : kCount - 1 - n;
}

/// The lane sum of a row whose lanes the threads of a warp hold [C-4]; every thread gets it.
__device__ __forceinline__ float sum_of_lanes(float lane) {
  for (int distance = kWarpSize / 2; distance >= 1; distance /= 2) {
    lane = __fadd_rn(lane, __shfl_xor_sync(kWholeWarp, lane, distance));
  }
  return lane;
}

/// The greatest of the values that the threads of a warp hold, NaNs left out, zero as +0 [C-5].
__device__ __forceinline__ float greatest_of_warp(float x) {
  for (int distance = kWarpSize / 2; distance >= 1; distance /= 2) {
    const float other = __shfl_xor_sync(kWholeWarp, x, distance);
    x = other > x ? other : x;
  }
  return __fadd_rn(x, 0.0f);
}

}  // namespace reprise::numerics::cuda
