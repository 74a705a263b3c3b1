// sin and cos of one vector [C-33] for |x| <= 2^17: binary32, fused multiply-adds, no branch, one order of operations.
// Included once per target.

#if defined(REPRISE_TRIGONOMETRY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_TRIGONOMETRY_INL_H_
#undef REPRISE_TRIGONOMETRY_INL_H_
#else
#define REPRISE_TRIGONOMETRY_INL_H_
#endif

#include "functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

/// |x| = n pi/2 + r + low with |r| < 0.79, and the sine and cosine of r + low.
struct QuarterTurn {
  IntVector n;
  Vector sine, cosine;
};

HWY_INLINE QuarterTurn reduce_to_quarter_turn(Vector a) {
  const Vector kMagic = broadcast(0x1.8p23f);  // adding it rounds to an integer, half to even
  const Vector shifted = fma(a, broadcast(0x1.45f306p-1f), kMagic);
  const Vector n = hn::Sub(shifted, kMagic);
  // pi/2 in three parts. The first difference is exact; what the second rounds away and the third part are far below r
  // and join the sine's correction. Near a zero of the sine the former could not be computed without an error of its
  // own, and is left out: r is rounded once there.
  const Vector kMiddle = broadcast(0x1.777a5cp-25f);
  const Vector difference = negated_fma(n, broadcast(0x1.921fb6p+0f), a);
  const Vector r = fma(n, kMiddle, difference);
  const Vector square = hn::Mul(r, r);
  const Vector rounded_away = fma(n, kMiddle, hn::Sub(difference, r));
  const Vector kept = hn::IfThenElseZero(hn::Ge(square, broadcast(0x1p-14f)), rounded_away);
  const Vector low = fma(n, broadcast(0x1.ee59dap-50f), kept);
  Vector p = broadcast(-0x1.991c26p-13f);
  p = fma(p, square, broadcast(0x1.1106c6p-7f));
  p = fma(p, square, broadcast(-0x1.555544p-3f));
  Vector q = broadcast(0x1.99e336p-16f);
  q = fma(q, square, broadcast(-0x1.6c0c1ep-10f));
  q = fma(q, square, broadcast(0x1.55554ap-5f));
  q = fma(q, square, broadcast(-0.5f));
  QuarterTurn turn;
  turn.n = hn::Sub(to_bits(shifted), to_bits(kMagic));
  turn.sine = hn::Add(r, fma(hn::Mul(r, square), p, low));
  turn.cosine = fma(q, square, broadcast(1.0f));
  return turn;
}

/// The sine of n quarter turns more than the reduced angle.
HWY_INLINE Vector sine_of_quadrant(const QuarterTurn& turn, IntVector n) {
  const IntVector kOne = hn::Set(IntTag(), 1);
  const Mask odd = hn::RebindMask(FloatTag(), hn::Eq(hn::And(n, kOne), kOne));
  const IntVector sign = hn::ShiftLeft<30>(hn::And(n, hn::Set(IntTag(), 2)));
  const Vector magnitude = hn::IfThenElse(odd, turn.cosine, turn.sine);
  return from_bits(hn::Xor(to_bits(magnitude), sign));
}

/// y where |x| <= 2^17, else (NaNs and infinities too) the NaN.
HWY_INLINE Vector within_range(Vector a, Vector y) {
  return hn::IfThenElse(hn::Le(a, broadcast(0x1p17f)), y, quiet_nan());
}

HWY_INLINE Vector sin_value(Vector x) {
  const Vector a = hn::Abs(x);
  const QuarterTurn turn = reduce_to_quarter_turn(a);
  const Vector y = sine_of_quadrant(turn, turn.n);
  const IntVector sign = hn::And(to_bits(x), hn::Set(IntTag(), static_cast<std::int32_t>(0x80000000u)));
  return within_range(a, from_bits(hn::Xor(to_bits(y), sign)));
}

HWY_INLINE Vector cos_value(Vector x) {
  const Vector a = hn::Abs(x);
  const QuarterTurn turn = reduce_to_quarter_turn(a);
  return within_range(a, sine_of_quadrant(turn, hn::Add(turn.n, hn::Set(IntTag(), 1))));
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_TRIGONOMETRY_INL_H_
