// Binary64 sin and cos [C-53]: the argument less a multiple of pi/2 as a pair, then Taylor series on [-pi/4, pi/4].

#include <fmt/format.h>

#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"

namespace reprise::numerics {
namespace {

struct Reduced {
  double high;  // the reduced argument is high + low
  double low;
  int quadrant;
};

Reduced reduce(double x) {
  REPRISE_REQUIRE(x >= -0x1p20 && x <= 0x1p20, ErrorKind::kInternal,
                  fmt::format("sin and cos are defined for |x| <= 2^20 only: {}", x), "");
  // pi/2 in three parts of 53 bits each.
  constexpr double kPart1 = 0x1.921fb54442d18p+0, kPart2 = 0x1.1a62633145c07p-54, kPart3 = -0x1.f1976b7ed8fbcp-110;
  const double shifted = __builtin_fma(x, 0x1.45f306dc9c883p-1, 0x1.8p52);
  const double n = shifted - 0x1.8p52;
  const double product = n * kPart1;
  const double product_low = __builtin_fma(n, kPart1, -product);
  const double difference = x - product;  // exact: the two are close
  const double second = n * kPart2;
  const double second_low = __builtin_fma(n, kPart2, -second) + n * kPart3;
  // difference - product_low - second - second_low, with both rounding errors kept.
  const double first_sum = difference - product_low;
  const double b1 = first_sum - difference;
  const double first_error = (difference - (first_sum - b1)) + (-product_low - b1);
  const double second_sum = first_sum - second;
  const double b2 = second_sum - first_sum;
  const double second_error = (first_sum - (second_sum - b2)) + (-second - b2);
  const double low = first_error + second_error - second_low;
  const double high = second_sum + low;
  return {high, low - (high - second_sum), static_cast<int>(static_cast<long long>(n) & 3)};
}

double sin_series(double x, double x_low) {
  constexpr double kCoefficients[] = {-0x1.2f49b46814157p-57, 0x1.952c77030ad4ap-49,  -0x1.ae7f3e733b81fp-41,
                                      0x1.6124613a86d09p-33,  -0x1.ae64567f544e4p-26, 0x1.71de3a556c734p-19,
                                      -0x1.a01a01a01a01ap-13, 0x1.1111111111111p-7};
  const double square = x * x;
  double series = 0.0;
  for (const double coefficient : kCoefficients) series = series * square + coefficient;
  // x + x_low cos(x) - x^3/6 + x^5 series
  const double cube = square * x;
  const double rest = square * cube * series + x_low * (1.0 - 0.5 * square);
  const double sixth = cube * 0x1.5555555555555p-3;
  return x + (rest - sixth);
}

double cos_series(double x, double x_low) {
  constexpr double kCoefficients[] = {-0x1.6827863b97d97p-53, 0x1.ae7f3e733b81fp-45,  -0x1.93974a8c07c9dp-37,
                                      0x1.1eed8eff8d898p-29,  -0x1.27e4fb7789f5cp-22, 0x1.a01a01a01a01ap-16,
                                      -0x1.6c16c16c16c17p-10, 0x1.5555555555555p-5};
  const double square = x * x;
  double series = 0.0;
  for (const double coefficient : kCoefficients) series = series * square + coefficient;
  // 1 - x^2/2 with its rounding error put back.
  const double half = 0.5 * square;
  const double head = 1.0 - half;
  const double head_error = (1.0 - head) - half;
  const double square_low = __builtin_fma(x, x, -square);
  return head + (head_error + (square * square * series - 0.5 * square_low - x * x_low));
}

}  // namespace

double exact_sin(double x) {
  if (x == 0.0) return x;
  const Reduced r = reduce(x);
  switch (r.quadrant) {
    case 0:
      return sin_series(r.high, r.low);
    case 1:
      return cos_series(r.high, r.low);
    case 2:
      return -sin_series(r.high, r.low);
    default:
      return -cos_series(r.high, r.low);
  }
}

double exact_cos(double x) {
  const Reduced r = reduce(x);
  switch (r.quadrant) {
    case 0:
      return cos_series(r.high, r.low);
    case 1:
      return -sin_series(r.high, r.low);
    case 2:
      return -cos_series(r.high, r.low);
    default:
      return sin_series(r.high, r.low);
  }
}

}  // namespace reprise::numerics
