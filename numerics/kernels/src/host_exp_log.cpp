// Binary64 exp, log and pow [C-52]. Taylor series on reduced arguments; the rounding errors of the reduction and of the
// leading terms are carried in a second double.

#include <bit>
#include <cstdint>
#include <limits>

#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"

namespace reprise::numerics {
namespace {

constexpr double kLn2High = 0x1.62e42fefa2000p-1;  // 40 bits: its product with an exponent is exact
constexpr double kLn2Low = 0x1.9ef35793c7673p-41;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// high + low is the value; |low| is at most half an ulp of high.
struct Pair {
  double high;
  double low;
};

Pair fast_two_sum(double a, double b) {  // |a| >= |b|
  const double sum = a + b;
  return {sum, b - (sum - a)};
}

Pair two_product(double a, double b) {
  const double product = a * b;
  return {product, __builtin_fma(a, b, -product)};
}

double power_of_two(int n) { return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52); }

/// exp(x + x_low) for finite x.
double exp_of_pair(double x, double x_low) {
  if (x > 710.0) return kInfinity;
  if (x < -746.0) return 0.0;
  const double shifted = __builtin_fma(x, 0x1.71547652b82fep+0, 0x1.8p52);
  const double n = shifted - 0x1.8p52;
  const double reduced = __builtin_fma(-n, kLn2High, x);  // exact
  const double correction = x_low - n * kLn2Low;
  const Pair r = fast_two_sum(reduced, correction);
  double series = 0.0;  // (exp(r) - 1 - r - r^2 / 2) / r^3 as sum of r^k / (k + 3)!
  constexpr double kInverseFactorials[] = {0x1.93974a8c07c9dp-37, 0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29,
                                           0x1.ae64567f544e4p-26, 0x1.27e4fb7789f5cp-22, 0x1.71de3a556c734p-19,
                                           0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10,
                                           0x1.1111111111111p-7,  0x1.5555555555555p-5,  0x1.5555555555555p-3};
  for (const double coefficient : kInverseFactorials) series = series * r.high + coefficient;
  const double square = r.high * r.high;
  const double tail = square * (0.5 + r.high * series) + r.low * (1.0 + r.high);
  const Pair head = fast_two_sum(1.0, r.high);
  const double value = head.high + (head.low + tail);
  const int exponent = static_cast<int>(n);
  const int half = exponent >> 1;
  return value * power_of_two(half) * power_of_two(exponent - half);
}

struct Reduced {
  double f;  // x = 2^exponent (1 + f), sqrt(1/2) <= 1 + f < sqrt(2)
  int exponent;
};

Reduced reduce(double x) {
  int exponent = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    exponent = -54;
  }
  constexpr std::uint64_t kSqrtHalf = 0x3fe6a09e667f3bcdu;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto shift = static_cast<std::int64_t>(bits - kSqrtHalf) >> 52;
  const double mantissa = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(shift) << 52));
  return {mantissa - 1.0, exponent + static_cast<int>(shift)};
}

/// Sum of s2^k / (2k + 5) over k: with s = f / (2 + f), log(1 + f) = 2 (s + s^3 / 3 + s^5 * this).
double atanh_tail(double s2) {
  double series = 0.0;
  for (int k = 11; k >= 0; --k) series = series * s2 + 1.0 / (2 * k + 5);
  return series;
}

/// log(x) as a pair, relative error below 2^-64; 0 < x < infinity.
Pair log_pair(double x) {
  const auto [f, exponent] = reduce(x);
  const Pair denominator = fast_two_sum(2.0, f);
  const double s = f / denominator.high;
  const double s_low = (__builtin_fma(-s, denominator.high, f) - s * denominator.low) / denominator.high;
  const Pair square = two_product(s, s);
  const double square_low = square.low + 2.0 * s * s_low;
  // s^3 / 3 as a pair: the only series term whose rounding would show.
  const Pair cube = two_product(square.high, s);
  const double cube_low = cube.low + square.high * s_low + square_low * s;
  const double third = cube.high / 3.0;
  const double third_low = (__builtin_fma(-third, 3.0, cube.high) + cube_low) / 3.0;
  const double rest = cube.high * square.high * atanh_tail(square.high);
  Pair sum = fast_two_sum(s, third);
  sum.low += s_low + (third_low + rest);
  const double n = exponent;
  const Pair whole = fast_two_sum(n * kLn2High, n == 0.0 ? 0.0 : 2.0 * sum.high);
  if (n == 0.0) {
    const Pair result = fast_two_sum(2.0 * sum.high, 2.0 * sum.low);
    return result;
  }
  return fast_two_sum(whole.high, whole.low + (2.0 * sum.low + n * kLn2Low));
}

}  // namespace

double exact_exp(double x) {
  if (x != x) return kNan;
  return exp_of_pair(x, 0.0);
}

double exact_log(double x) {
  if (!(x >= 0.0)) return kNan;
  if (x == 0.0) return -kInfinity;
  if (x == kInfinity) return kInfinity;
  const Pair value = log_pair(x);
  return value.high + value.low;
}

double exact_pow(double base, double exponent) {
  REPRISE_CHECK(base > 0.0 && base < kInfinity);
  const Pair logarithm = log_pair(base);
  const Pair product = two_product(exponent, logarithm.high);
  return exp_of_pair(product.high, product.low + exponent * logarithm.low);
}

}  // namespace reprise::numerics
