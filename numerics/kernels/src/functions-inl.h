// exp, log, sigmoid, tanh, erf and 1/sqrt of one vector [C-6], [C-7], [C-8], [C-31], [C-32], [C-34]: binary32, fused
// multiply-adds, no branch, one order of operations. Included once per target; a GPU's kernels have a vocabulary of
// one lane (cuda/one_lane.h) in the place of vectors, so nothing here may know how many lanes there are.

#if defined(REPRISE_FUNCTIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_FUNCTIONS_INL_H_
#undef REPRISE_FUNCTIONS_INL_H_
#else
#define REPRISE_FUNCTIONS_INL_H_
#endif

#ifndef REPRISE_ONE_LANE
#include "vector-inl.h"
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

HWY_INLINE Vector from_bits(IntVector bits) { return hn::BitCast(FloatTag(), bits); }
HWY_INLINE IntVector to_bits(Vector x) { return hn::BitCast(IntTag(), x); }
HWY_INLINE Vector quiet_nan() { return from_bits(hn::Set(IntTag(), 0x7fc00000)); }
/// Returns 2^n for -126 <= n <= 127.
HWY_INLINE Vector power_of_two(IntVector n) { return from_bits(hn::ShiftLeft<23>(hn::Add(n, hn::Set(IntTag(), 127)))); }

/// exp(x) = (1 + high + low) * scale1 * scale2 for x in [-104, 89].
struct ExpParts {
  Vector r;      // x - n ln 2, rounded
  Vector r_low;  // what that rounding left, only where asked for
  Vector tail;   // (exp(r) - 1 - r) / r^2
  IntVector n;
  Vector n_float;
  Vector scale1, scale2;  // their product is 2^n, which alone may overflow or be subnormal
};

HWY_INLINE ExpParts exp_parts(Vector x) {
  const Vector kMagic = broadcast(0x1.8p23f);  // adding it rounds to an integer, half to even
  const Vector shifted = fma(x, broadcast(0x1.715476p+0f), kMagic);
  const IntVector n = hn::Sub(to_bits(shifted), to_bits(kMagic));
  const Vector n_float = hn::Sub(shifted, kMagic);
  const Vector r_high = negated_fma(n_float, broadcast(0x1.62e4p-1f), x);  // exact
  const Vector kLn2Low = broadcast(0x1.7f7d1cp-20f);
  ExpParts parts;
  parts.n_float = n_float;
  parts.r = negated_fma(n_float, kLn2Low, r_high);
  parts.r_low = negated_fma(n_float, kLn2Low, hn::Sub(r_high, parts.r));
  Vector p = broadcast(0x1.6db42ap-10f);
  p = fma(p, parts.r, broadcast(0x1.123b56p-7f));
  p = fma(p, parts.r, broadcast(0x1.55545ep-5f));
  p = fma(p, parts.r, broadcast(0x1.55548ep-3f));
  parts.tail = fma(p, parts.r, broadcast(0.5f));
  parts.n = n;
  const IntVector half = hn::ShiftRight<1>(n);
  parts.scale1 = power_of_two(half);
  parts.scale2 = power_of_two(hn::Sub(n, half));
  return parts;
}

/// Returns exp(r) - 1.
HWY_INLINE Vector exp_minus_one(const ExpParts& parts) { return fma(parts.tail, hn::Mul(parts.r, parts.r), parts.r); }

HWY_INLINE Vector clamp_for_exp(Vector x) {
  const Vector low = broadcast(-104.0f), high = broadcast(89.0f);
#if HWY_TARGET == HWY_SCALAR
  const Vector above = hn::IfThenElse(hn::Lt(x, low), low, x);
  return hn::IfThenElse(hn::Gt(above, high), high, above);
#else
  return hn::Min(high, hn::Max(low, x));  // MAXPS and MINPS give their second operand when one is a NaN
#endif
}

/// x * 2^n, rounded once, for the parts of an exponential.
HWY_INLINE Vector scaled(Vector x, const ExpParts& parts) {
#if HWY_TARGET == HWY_AVX3
  return Vector{_mm512_scalef_ps(x.raw, parts.n_float.raw)};
#else
  return hn::Mul(hn::Mul(x, parts.scale1), parts.scale2);  // the first product is exact
#endif
}

HWY_INLINE Vector exp_value(Vector x) {
  const ExpParts parts = exp_parts(clamp_for_exp(x));
  const Vector y = scaled(hn::Add(exp_minus_one(parts), broadcast(1.0f)), parts);
  return hn::IfThenElse(hn::Eq(x, x), y, quiet_nan());
}

HWY_INLINE Vector log_value(Vector x) {
  const Vector kOne = broadcast(1.0f);
  const Mask tiny = hn::Lt(x, broadcast(0x1p-126f));
  const Vector normal = hn::IfThenElse(tiny, hn::Mul(x, broadcast(0x1p23f)), x);
  const IntVector offset = hn::Set(IntTag(), 0x3f3504f3);  // sqrt(1/2)
  const IntVector exponent = hn::ShiftRight<23>(hn::Sub(to_bits(normal), offset));
  const Vector f = hn::Sub(from_bits(hn::Sub(to_bits(normal), hn::ShiftLeft<23>(exponent))), kOne);
  const Vector e = hn::Add(hn::ConvertTo(FloatTag(), exponent), hn::IfThenElse(tiny, broadcast(-23.0f), zero()));
  Vector p = broadcast(0x1.1b4316p-4f);
  p = fma(p, f, broadcast(-0x1.e2ee38p-4f));
  p = fma(p, f, broadcast(0x1.e652cep-4f));
  p = fma(p, f, broadcast(-0x1.fb4296p-4f));
  p = fma(p, f, broadcast(0x1.233294p-3f));
  p = fma(p, f, broadcast(-0x1.5562e6p-3f));
  p = fma(p, f, broadcast(0x1.99a548p-3f));
  p = fma(p, f, broadcast(-0x1.ffffeep-3f));
  p = fma(p, f, broadcast(0x1.555546p-2f));
  const Vector square = hn::Mul(f, f);
  const Vector cubic = fma(hn::Mul(square, f), p, hn::Mul(e, broadcast(0x1.7f7d1cp-20f)));
  const Vector y = fma(e, broadcast(0x1.62e4p-1f), hn::Add(f, fma(broadcast(-0.5f), square, cubic)));
  const Vector infinity = broadcast(__builtin_inff());
  const Vector finite = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  const Vector with_zero = hn::IfThenElse(hn::Eq(x, zero()), hn::Neg(infinity), finite);
  return hn::IfThenElse(hn::Ge(x, zero()), with_zero, quiet_nan());
}

/// 1 / (1 + exp(-x)); the division's and the addition's rounding errors are put back.
HWY_INLINE Vector sigmoid_value(Vector x) {
  const Vector kOne = broadcast(1.0f);
  const ExpParts parts = exp_parts(clamp_for_exp(hn::Neg(hn::Abs(x))));
  const Vector tail = fma(parts.tail, hn::Mul(parts.r, parts.r), parts.r_low);
  const Vector one_plus_r = hn::Add(kOne, parts.r);
  const Vector high = hn::Add(one_plus_r, tail);
  const Vector low = hn::Add(hn::Sub(one_plus_r, high), hn::Add(hn::Add(hn::Sub(kOne, one_plus_r), parts.r), tail));
  const Vector e = hn::Mul(hn::Mul(high, parts.scale1), parts.scale2);
  const Vector e_low = hn::Mul(hn::Mul(low, parts.scale1), parts.scale2);
  const Vector d = hn::Add(kOne, e);
  const Vector d_low = hn::Add(hn::Add(hn::Sub(kOne, d), e), e_low);
  const Mask negative = hn::Lt(x, zero());
  const Vector numerator = hn::IfThenElse(negative, e, kOne);
  const Vector numerator_low = hn::IfThenElse(negative, e_low, zero());
  const Vector reciprocal = hn::Div(kOne, d);
  const Vector quotient = hn::Mul(numerator, reciprocal);
  const Vector residual = negated_fma(quotient, d_low, hn::Add(negated_fma(quotient, d, numerator), numerator_low));
  return hn::IfThenElse(hn::Eq(x, x), fma(residual, reciprocal, quotient), quiet_nan());
}

/// Gives magnitude the sign of x; NaN where x is one.
HWY_INLINE Vector odd_result(Vector magnitude, Vector x) {
  return hn::IfThenElse(hn::Eq(x, x), hn::CopySign(magnitude, x), quiet_nan());
}

/// x + x^3 p(x^2) below 0.55, else 1 - 2 / (exp(2 x) + 1).
HWY_INLINE Vector tanh_value(Vector x) {
  const Vector kOne = broadcast(1.0f), kLargest = broadcast(10.0f);  // from 9.02 on the result is 1
  const Vector a = hn::Abs(x);
  const Vector square = hn::Mul(a, a);
  Vector p = broadcast(-0x1.9460e4p-8f);
  p = fma(p, square, broadcast(0x1.5812a2p-6f));
  p = fma(p, square, broadcast(-0x1.b905c4p-5f));
  p = fma(p, square, broadcast(0x1.110c5ep-3f));
  p = fma(p, square, broadcast(-0x1.555548p-2f));
  const Vector near_zero = fma(hn::Mul(p, square), a, a);
  const Vector clamped = hn::IfThenElse(hn::Gt(a, kLargest), kLargest, a);
  const ExpParts parts = exp_parts(hn::Add(clamped, clamped));
  const Vector power = power_of_two(parts.n);
  const Vector d = fma(exp_minus_one(parts), power, hn::Add(power, kOne));
  const Vector far = hn::Sub(kOne, hn::Div(broadcast(2.0f), d));
  return odd_result(hn::IfThenElse(hn::Lt(a, broadcast(0x1.1ap-1f)), near_zero, far), x);
}

/// x + x p(x^2) below 0.92, else 1 - exp(x q(x) - x).
HWY_INLINE Vector erf_value(Vector x) {
  const Vector kLargest = broadcast(4.0f);  // from 3.92 on the result is 1
  const Vector a = hn::Abs(x);
  const Vector square = hn::Mul(a, a);
  Vector p = broadcast(0x1.4f676p-14f);
  p = fma(p, square, broadcast(-0x1.a60a2ep-11f));
  p = fma(p, square, broadcast(0x1.544a1ap-8f));
  p = fma(p, square, broadcast(-0x1.b8011ap-6f));
  p = fma(p, square, broadcast(0x1.ce2d64p-4f));
  p = fma(p, square, broadcast(-0x1.81274p-2f));
  p = fma(p, square, broadcast(0x1.06eba8p-3f));
  const Vector near_zero = fma(p, a, a);
  const Vector clamped = hn::IfThenElse(hn::Gt(a, kLargest), kLargest, a);
  Vector q = broadcast(-0x1.78d41p-17f);
  q = fma(q, clamped, broadcast(0x1.5279dcp-12f));
  q = fma(q, clamped, broadcast(-0x1.dd6bc4p-9f));
  q = fma(q, clamped, broadcast(0x1.855124p-6f));
  q = fma(q, clamped, broadcast(-0x1.b32568p-4f));
  q = fma(q, clamped, broadcast(-0x1.45328ep-1f));
  q = fma(q, clamped, broadcast(-0x1.0778dcp-3f));
  const ExpParts parts = exp_parts(fma(q, clamped, hn::Neg(clamped)));
  const Vector power = power_of_two(parts.n);
  const Vector far = negated_fma(exp_minus_one(parts), power, hn::Sub(broadcast(1.0f), power));
  return odd_result(hn::IfThenElse(hn::Lt(a, broadcast(0x1.d8p-1f)), near_zero, far), x);
}

/// Two IEEE roundings; the processors' approximations of it differ from one another.
HWY_INLINE Vector rsqrt_value(Vector x) {
  const Vector y = hn::Div(broadcast(1.0f), hn::Sqrt(x));
  return hn::IfThenElse(hn::Ge(x, zero()), y, quiet_nan());
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_FUNCTIONS_INL_H_
