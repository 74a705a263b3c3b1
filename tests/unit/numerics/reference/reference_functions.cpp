#include <cmath>
#include <initializer_list>
#include <limits>

#include "reference.h"

namespace reference {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();  // 0x7fc00000

/// Reduction and polynomial of [C-6].
struct Exponential {
  float r, r_low, t;
  int n, half, other_half;
};

Exponential reduce(float x) {
  // A product of two binary32 numbers is exact in binary64, so this rounds x * log2(e) to an integer once.
  const int n = static_cast<int>(std::nearbyint(static_cast<double>(x) * static_cast<double>(0x1.715476p+0f)));
  const float minus_n = static_cast<float>(-n);
  Exponential e;
  const float high = std::fma(minus_n, 0x1.62e4p-1f, x);
  e.r = std::fma(minus_n, 0x1.7f7d1cp-20f, high);
  e.r_low = std::fma(minus_n, 0x1.7f7d1cp-20f, high - e.r);
  const float coefficients[] = {0x1.6db42ap-10f, 0x1.123b56p-7f, 0x1.55545ep-5f, 0x1.55548ep-3f, 0x1p-1f};
  e.t = coefficients[0];
  for (int i = 1; i < 5; ++i) e.t = std::fma(e.t, e.r, coefficients[i]);
  e.n = n;
  e.half = static_cast<int>(std::floor(n / 2.0));
  e.other_half = n - e.half;
  return e;
}

/// Coefficients from the highest power down.
float horner(std::initializer_list<float> coefficients, float x) {
  float value = 0.0f;
  bool first = true;
  for (const float c : coefficients) {
    value = first ? c : std::fma(value, x, c);
    first = false;
  }
  return value;
}

float scale(float x, const Exponential& e) {
  const float first = x * std::ldexp(1.0f, e.half);
  return first * std::ldexp(1.0f, e.other_half);
}

}  // namespace

float exp(float x) {
  if (std::isnan(x)) return kNan;
  const float clamped = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
  const Exponential e = reduce(clamped);
  const float square = e.r * e.r;
  return scale(std::fma(e.t, square, e.r) + 1.0f, e);
}

float log(float x) {
  if (std::isnan(x) || x < 0.0f) return kNan;
  if (x == 0.0f) return -kInfinity;
  if (x == kInfinity) return kInfinity;
  int exponent = 0;
  float mantissa = std::frexp(x, &exponent);  // [1/2, 1)
  if (mantissa < 0x1.6a09e6p-1f) {            // sqrt(1/2)
    mantissa *= 2.0f;
    --exponent;
  }
  const float f = mantissa - 1.0f;
  const float e = static_cast<float>(exponent);
  const float coefficients[] = {0x1.1b4316p-4f,  -0x1.e2ee38p-4f, 0x1.e652cep-4f,  -0x1.fb4296p-4f, 0x1.233294p-3f,
                                -0x1.5562e6p-3f, 0x1.99a548p-3f,  -0x1.ffffeep-3f, 0x1.555546p-2f};
  float p = coefficients[0];
  for (int i = 1; i < 9; ++i) p = std::fma(p, f, coefficients[i]);
  const float square = f * f;
  const float cube = square * f;
  const float low = e * 0x1.7f7d1cp-20f;
  const float cubic = std::fma(cube, p, low);
  const float lower = std::fma(-0.5f, square, cubic);
  return std::fma(e, 0x1.62e4p-1f, f + lower);
}

float sigmoid(float x) {
  if (std::isnan(x)) return kNan;
  const float negated = -std::fabs(x);
  const Exponential e = reduce(negated < -104.0f ? -104.0f : negated);
  const float square = e.r * e.r;
  const float tail = std::fma(e.t, square, e.r_low);
  const float near_one = 1.0f + e.r;
  const float high = near_one + tail;
  const float left_by_one = (1.0f - near_one) + e.r;
  const float low = (near_one - high) + (left_by_one + tail);
  const float u = scale(high, e);
  const float u_low = scale(low, e);
  const float d = 1.0f + u;
  const float d_low = ((1.0f - d) + u) + u_low;
  const float a = x < 0.0f ? u : 1.0f;
  const float a_low = x < 0.0f ? u_low : 0.0f;
  const float y = 1.0f / d;
  const float q = a * y;
  const float first_residual = std::fma(-q, d, a) + a_low;
  const float residual = std::fma(-q, d_low, first_residual);
  return std::fma(residual, y, q);
}

float tanh(float x) {
  if (std::isnan(x)) return kNan;
  const float a = std::fabs(x);
  if (a < 0x1.1ap-1f) {
    const float s = a * a;
    const float p = horner({-0x1.9460e4p-8f, 0x1.5812a2p-6f, -0x1.b905c4p-5f, 0x1.110c5ep-3f, -0x1.555548p-2f}, s);
    const float ps = p * s;
    return std::copysign(std::fma(ps, a, a), x);
  }
  const Exponential e = reduce(2.0f * std::fmin(a, 10.0f));
  const float square = e.r * e.r;
  const float power = std::ldexp(1.0f, e.n);
  const float d = std::fma(std::fma(e.t, square, e.r), power, power + 1.0f);
  const float quotient = 2.0f / d;
  return std::copysign(1.0f - quotient, x);
}

float erf(float x) {
  if (std::isnan(x)) return kNan;
  const float a = std::fabs(x);
  if (a < 0x1.d8p-1f) {
    const float s = a * a;
    const float p = horner({0x1.4f676p-14f, -0x1.a60a2ep-11f, 0x1.544a1ap-8f, -0x1.b8011ap-6f, 0x1.ce2d64p-4f,
                            -0x1.81274p-2f, 0x1.06eba8p-3f},
                           s);
    return std::copysign(std::fma(p, a, a), x);
  }
  const float b = std::fmin(a, 4.0f);
  const float q = horner({-0x1.78d41p-17f, 0x1.5279dcp-12f, -0x1.dd6bc4p-9f, 0x1.855124p-6f, -0x1.b32568p-4f,
                          -0x1.45328ep-1f, -0x1.0778dcp-3f},
                         b);
  const Exponential e = reduce(std::fma(q, b, -b));
  const float square = e.r * e.r;
  const float power = std::ldexp(1.0f, e.n);
  const float one_less = 1.0f - power;
  return std::copysign(std::fma(-std::fma(e.t, square, e.r), power, one_less), x);
}

namespace {

/// Reduction and polynomials of [C-33].
struct Turn {
  long n;
  float sine, cosine;
};

Turn reduce_turn(float a) {
  // The product is exact in binary64, so this rounds once.
  const double turns = std::nearbyint(static_cast<double>(a) * static_cast<double>(0x1.45f306p-1f));
  const float n = static_cast<float>(turns);
  const float d = std::fma(-n, 0x1.921fb6p+0f, a);
  const float r = std::fma(n, 0x1.777a5cp-25f, d);
  const float s = r * r;
  const float left = d - r;
  const float k = s >= 0x1p-14f ? std::fma(n, 0x1.777a5cp-25f, left) : 0.0f;
  const float l = std::fma(n, 0x1.ee59dap-50f, k);
  const float p = horner({-0x1.991c26p-13f, 0x1.1106c6p-7f, -0x1.555544p-3f}, s);
  const float q = horner({0x1.99e336p-16f, -0x1.6c0c1ep-10f, 0x1.55554ap-5f, -0x1p-1f}, s);
  const float cube = r * s;
  return {static_cast<long>(turns), r + std::fma(cube, p, l), std::fma(q, s, 1.0f)};
}

bool beyond_range(float x) { return !(std::fabs(x) <= 131072.0f); }

}  // namespace

float sin(float x) {
  if (beyond_range(x)) return kNan;
  const Turn turn = reduce_turn(std::fabs(x));
  const float by_quadrant[] = {turn.sine, turn.cosine, -turn.sine, -turn.cosine};
  const float y = by_quadrant[turn.n % 4];
  return std::signbit(x) ? -y : y;
}

float cos(float x) {
  if (beyond_range(x)) return kNan;
  const Turn turn = reduce_turn(std::fabs(x));
  const float by_quadrant[] = {turn.cosine, -turn.sine, -turn.cosine, turn.sine};
  return by_quadrant[turn.n % 4];
}

float rsqrt(float x) {
  if (std::isnan(x) || x < 0.0f) return kNan;
  const float root = std::sqrt(x);
  return 1.0f / root;
}

}  // namespace reference
