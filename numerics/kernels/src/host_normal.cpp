// Binary64 normal distribution [C-54]. The upper tail is exp(-x^2/2) times a smooth function, held as a Chebyshev
// series; the inverse is a rational first guess and one step of Halley's method on the tail or, near the middle, on the
// distance to one half, so that the relative error stays small everywhere.

#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"

namespace reprise::numerics {
namespace {

constexpr double kInverseSqrt2Pi = 0x1.9884533d43651p-2;

/// Standard normal density.
double density(double x) {
  const double square = x * x;
  const double square_low = __builtin_fma(x, x, -square);
  const double value = exact_exp(-0.5 * square);
  return kInverseSqrt2Pi * (value - value * (0.5 * square_low));
}

/// Probability of more than x; x >= 0.
double upper_tail(double x) {
  if (x > 40.0) return 0.0;
  // (x + 4) (1 - Phi(x)) / density(x) over t = (x - 4) / (x + 4): Chebyshev coefficients, computed with mpmath 1.3 from
  // 60 nodes; relative error of the truncation below 2^-60.
  constexpr double kCoefficients[] = {
      0x1.375e23df02073p+1,   -0x1.e25e81ff28432p+0,  0x1.1d296c0251421p-1,   -0x1.f22396f07d5c5p-4,
      0x1.1c70166d9d115p-6,   -0x1.a55436343d40bp-11, -0x1.08471cd6ca1b7p-12, 0x1.8d7bc32713542p-15,
      0x1.53eb19a1ef0c0p-19,  -0x1.9d7ff63f1a85cp-20, -0x1.23328ac4bc208p-27, 0x1.bd6acd3d4a7dep-25,
      -0x1.36f4c38561955p-32, -0x1.0bd2429e911a6p-29, -0x1.b6633fe0eff9fp-36, 0x1.5df6a7d35f4f7p-34,
      0x1.44fdf2ad862c2p-38,  -0x1.cf2599288ce4cp-39, -0x1.eb7fb70c1cd39p-42, 0x1.14fc9af602150p-43,
      0x1.23f5529e54087p-45,  -0x1.b80f419c33612p-49, -0x1.22eb488ef41d8p-49, -0x1.4bf28c160334dp-54,
      0x1.d3bb12db7175cp-54,  0x1.3f09f8e2411eap-56,  -0x1.0b1a3b14ae65ep-58, -0x1.074c9196b6af5p-59};
  constexpr int kLast = static_cast<int>(sizeof(kCoefficients) / sizeof(double)) - 1;
  const double t = (x - 4.0) / (x + 4.0);
  double next = 0.0, after = 0.0;
  for (int i = kLast; i >= 1; --i) {
    const double current = 2.0 * t * next - after + kCoefficients[i];
    after = next;
    next = current;
  }
  return density(x) * (t * next - after + kCoefficients[0]) / (x + 4.0);
}

/// Phi(x) - 1/2 for |x| <= 1: Taylor series, relative error of a few ulp also near 0.
double above_half(double x) {
  const double half_square = 0.5 * x * x;
  double series = 0.0;
  for (int k = 14; k >= 1; --k) {
    // term k of sum (-x^2/2)^k / (k! (2k + 1)), nested: each step divides by k
    series = -half_square / k * (1.0 / (2 * k + 1) + series);
  }
  return kInverseSqrt2Pi * (x + x * series);
}

/// Acklam's rational approximation of the inverse, relative error 1.2e-9; 0 < p <= 1/2.
double first_guess(double p) {
  if (p < 0.02425) {
    const double q = __builtin_sqrt(-2.0 * exact_log(p));
    const double numerator = ((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q -
                               2.549732539343734e+00) *
                                  q +
                              4.374664141464968e+00) *
                                 q +
                             2.938163982698783e+00;
    const double denominator = (((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q +
                                3.754408661907416e+00) *
                                   q +
                               1.0;
    return numerator / denominator;
  }
  const double q = p - 0.5;
  const double r = q * q;
  const double numerator = (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r +
                              1.383577518672690e+02) *
                                 r -
                             3.066479806614716e+01) *
                                r +
                            2.506628277459239e+00) *
                           q;
  const double denominator = ((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r +
                               6.680131188771972e+01) *
                                  r -
                              1.328068155288572e+01) *
                                 r +
                             1.0;
  return numerator / denominator;
}

/// The inverse for 0 < p <= 1/2 (a value <= 0).
double lower_inverse(double p) {
  const double guess = first_guess(p);
  const double residual = p > 0.25 ? above_half(guess) - (p - 0.5) : upper_tail(-guess) - p;
  const double step = residual / density(guess);
  return guess - step / (1.0 + 0.5 * guess * step);
}

}  // namespace

double exact_normal(double x) {
  if (x != x) return __builtin_nan("");
  if (x >= -1.0 && x <= 1.0) return 0.5 + above_half(x);
  return x < 0.0 ? upper_tail(-x) : 1.0 - upper_tail(x);
}

double exact_inverse_normal(double p) {
  REPRISE_CHECK(p > 0.0 && p < 1.0);
  return p <= 0.5 ? lower_inverse(p) : -lower_inverse(1.0 - p);
}

}  // namespace reprise::numerics
