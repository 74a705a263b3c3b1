// Activations of one vector and their slopes [C-38]. Included once per target.

#if defined(REPRISE_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_ACTIVATION_INL_H_
#undef REPRISE_ACTIVATION_INL_H_
#else
#define REPRISE_ACTIVATION_INL_H_
#endif

#include "functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

struct ValueAndSlope {
  Vector value, slope;
};

struct Relu {
  // A comparison that a NaN fails, so that a NaN stays one; both zeros give +0.
  static HWY_INLINE Vector value(Vector x) { return hn::IfThenElse(hn::Le(x, zero()), zero(), x); }
  static HWY_INLINE ValueAndSlope both(Vector x) {
    return {value(x), hn::IfThenElse(hn::Le(x, zero()), zero(), broadcast(1.0f))};
  }
};

struct Sigmoid {
  static HWY_INLINE Vector value(Vector x) { return sigmoid_value(x); }
  static HWY_INLINE ValueAndSlope both(Vector x) {
    const Vector s = sigmoid_value(x);
    return {s, hn::Mul(s, hn::Sub(broadcast(1.0f), s))};
  }
};

struct Silu {
  static HWY_INLINE Vector value(Vector x) { return hn::Mul(x, sigmoid_value(x)); }
  static HWY_INLINE ValueAndSlope both(Vector x) {
    const Vector kOne = broadcast(1.0f);
    const Vector s = sigmoid_value(x);
    return {hn::Mul(x, s), hn::Mul(s, fma(x, hn::Sub(kOne, s), kOne))};
  }
};

/// x times the normal distribution function.
struct Gelu {
  static HWY_INLINE Vector value(Vector x) { return hn::Mul(x, distribution(x)); }
  static HWY_INLINE ValueAndSlope both(Vector x) {
    const Vector phi = distribution(x);
    const Vector half_square = hn::Mul(hn::Mul(broadcast(-0.5f), x), x);
    const Vector density = hn::Mul(broadcast(0x1.988454p-2f), exp_value(half_square));  // 1 / sqrt(2 pi)
    return {hn::Mul(x, phi), fma(x, density, phi)};
  }

 private:
  static HWY_INLINE Vector distribution(Vector x) {
    const Vector kRootHalf = broadcast(0x1.6a09e6p-1f);
    return hn::Mul(broadcast(0.5f), hn::Add(broadcast(1.0f), erf_value(hn::Mul(x, kRootHalf))));
  }
};

/// 0.5 * (1 + tanh(u)) is sigmoid(2u), which loses nothing where tanh(u) is near -1.
struct GeluTanh {
  static HWY_INLINE Vector value(Vector x) { return hn::Mul(x, sigmoid_value(argument(x, square(x)))); }
  static HWY_INLINE ValueAndSlope both(Vector x) {
    const Vector q = square(x);
    const Vector s = sigmoid_value(argument(x, q));
    const Vector growth = hn::Mul(broadcast(kTwiceRootTwoOverPi), fma(broadcast(0x1.12ba9ep-3f), q, broadcast(1.0f)));
    const Vector curve = hn::Mul(x, hn::Mul(s, hn::Sub(broadcast(1.0f), s)));
    return {hn::Mul(x, s), fma(curve, growth, s)};
  }

 private:
  static constexpr float kTwiceRootTwoOverPi = 0x1.988454p+0f;
  // Bounded, so that the slope of a huge x is not 0 * infinity; s is 0 or 1 there.
  static HWY_INLINE Vector square(Vector x) {
    const Vector bound = broadcast(0x1p64f);
    const Vector q = hn::Mul(x, x);
    return hn::IfThenElse(hn::Gt(q, bound), bound, q);
  }
  static HWY_INLINE Vector argument(Vector x, Vector q) {
    return hn::Mul(hn::Mul(broadcast(kTwiceRootTwoOverPi), x), fma(broadcast(0x1.6e4e26p-5f), q, broadcast(1.0f)));
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_ACTIVATION_INL_H_
