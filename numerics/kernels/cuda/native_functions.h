#pragma once
// The exponential of the exact profile without its edges: half the instructions. With the whole of it the losses and
// the feed-forward would wait for arithmetic, not for memory.

#include "functions.h"

namespace reprise::numerics::cuda {

inline constexpr float kLeastExponent = -87.0f;  // of which the exponential is a normal number
inline constexpr float kGreatestExponent = 88.0f;

/// exp(x), the bits of exp_value(), from kLeastExponent to kGreatestExponent; of a NaN a NaN, of others anything.
__device__ __forceinline__ float normal_exp(float x) {
  const one_lane::ExpParts parts = one_lane::exp_parts(x);
  return __fmul_rn(__fadd_rn(one_lane::exp_minus_one(parts), 1.0f), one_lane::power_of_two(parts.n));
}

/// exp(x) of x <= 0, or a NaN; 0 instead of what is not a normal number.
__device__ __forceinline__ float exp_of_difference(float x) {
  const float y = normal_exp(x);
  return x < kLeastExponent ? 0.0f : y;
}

/// 1 / (1 + exp(-x)) within some units in the last place; beyond -88 and 87 the value there, and of a NaN any.
__device__ __forceinline__ float quick_sigmoid(float x) {
  const float e = normal_exp(fminf(fmaxf(-x, kLeastExponent), kGreatestExponent));
  return __fdiv_rn(1.0f, __fadd_rn(1.0f, e));
}

}  // namespace reprise::numerics::cuda
