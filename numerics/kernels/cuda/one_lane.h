#pragma once
// One float per thread in the place of a vector: the words of src/vector-inl.h and of Highway that the exact functions
// and activations are written in, so that a GPU compiles the same source as a CPU. Every operation rounds once.

#include "language.h"

#define REPRISE_ONE_LANE
#define HWY_NAMESPACE one_lane
#define HWY_INLINE __device__ __forceinline__
#define HWY_BEFORE_NAMESPACE() static_assert(true, "")
#define HWY_AFTER_NAMESPACE() static_assert(true, "")
// None of the targets that a source treats in its own way.
#define HWY_TARGET 0
#define HWY_SCALAR 1
#define HWY_AVX3 2

namespace reprise::numerics::one_lane {

using Vector = float;
using IntVector = std::int32_t;
using Mask = bool;
struct FloatTag {};
struct IntTag {};

HWY_INLINE Vector zero() { return 0.0f; }
HWY_INLINE Vector broadcast(float x) { return x; }
HWY_INLINE Vector fma(Vector a, Vector b, Vector c) { return __fmaf_rn(a, b, c); }
HWY_INLINE Vector negated_fma(Vector a, Vector b, Vector c) { return __fmaf_rn(-a, b, c); }

namespace hn {

HWY_INLINE Vector Add(Vector a, Vector b) { return __fadd_rn(a, b); }
HWY_INLINE Vector Sub(Vector a, Vector b) { return __fsub_rn(a, b); }
HWY_INLINE Vector Mul(Vector a, Vector b) { return __fmul_rn(a, b); }
HWY_INLINE Vector Div(Vector a, Vector b) { return __fdiv_rn(a, b); }
HWY_INLINE Vector Sqrt(Vector x) { return __fsqrt_rn(x); }
HWY_INLINE Vector Neg(Vector x) { return -x; }
HWY_INLINE Vector Abs(Vector x) { return fabsf(x); }
HWY_INLINE Vector CopySign(Vector magnitude, Vector sign) { return copysignf(magnitude, sign); }
/// Of a number and a NaN the number; x86 gives the second operand.
HWY_INLINE Vector Min(Vector a, Vector b) { return fminf(a, b); }
HWY_INLINE Vector Max(Vector a, Vector b) { return fmaxf(a, b); }

HWY_INLINE Mask Eq(Vector a, Vector b) { return a == b; }
HWY_INLINE Mask Lt(Vector a, Vector b) { return a < b; }
HWY_INLINE Mask Le(Vector a, Vector b) { return a <= b; }
HWY_INLINE Mask Gt(Vector a, Vector b) { return a > b; }
HWY_INLINE Mask Ge(Vector a, Vector b) { return a >= b; }
HWY_INLINE Vector IfThenElse(Mask mask, Vector yes, Vector no) { return mask ? yes : no; }
HWY_INLINE Vector IfThenElseZero(Mask mask, Vector yes) { return mask ? yes : 0.0f; }
HWY_INLINE Mask RebindMask(FloatTag, Mask mask) { return mask; }

HWY_INLINE IntVector Set(IntTag, std::int32_t x) { return x; }
HWY_INLINE Vector BitCast(FloatTag, IntVector bits) { return __int_as_float(bits); }
HWY_INLINE IntVector BitCast(IntTag, Vector x) { return __float_as_int(x); }
HWY_INLINE Vector ConvertTo(FloatTag, IntVector x) { return __int2float_rn(x); }

// Integers wrap round, as those of vectors do.
HWY_INLINE IntVector Add(IntVector a, IntVector b) {
  return static_cast<IntVector>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}
HWY_INLINE IntVector Sub(IntVector a, IntVector b) {
  return static_cast<IntVector>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
}
HWY_INLINE IntVector And(IntVector a, IntVector b) { return a & b; }
HWY_INLINE IntVector Xor(IntVector a, IntVector b) { return a ^ b; }
HWY_INLINE Mask Eq(IntVector a, IntVector b) { return a == b; }
template <int kBits>
HWY_INLINE IntVector ShiftLeft(IntVector x) {
  return static_cast<IntVector>(static_cast<std::uint32_t>(x) << kBits);
}
template <int kBits>
HWY_INLINE IntVector ShiftRight(IntVector x) {
  return x >> kBits;
}

}  // namespace hn
}  // namespace reprise::numerics::one_lane
