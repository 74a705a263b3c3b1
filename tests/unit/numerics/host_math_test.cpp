// Clause [C-2]: binary64 host functions, against glibc (error below one ulp of its own) and values by mpmath.
#include "reprise/numerics/host_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "mpmath_values.h"
#include "reprise/core/error.h"

namespace reprise::numerics {
namespace {

double ulp_distance(double actual, double expected) {
  if (actual == expected) return 0.0;
  const double ulp = std::nextafter(std::fabs(expected), std::numeric_limits<double>::infinity()) - std::fabs(expected);
  return std::fabs(actual - expected) / ulp;
}

void expect_close(double (*ours)(double), double (*truth)(double), double low, double high, double max_ulp) {
  std::mt19937_64 generator(7);
  std::uniform_real_distribution<double> uniform(low, high);
  double worst = 0.0, at = 0.0;
  for (int i = 0; i < 200000; ++i) {
    const double x = uniform(generator);
    const double distance = ulp_distance(ours(x), truth(x));
    if (distance > worst) {
      worst = distance;
      at = x;
    }
  }
  EXPECT_LE(worst, max_ulp) << "worst at " << at;
}

TEST(HostMath, ExpIsWithinTwoUlp) {
  expect_close(exact_exp, std::exp, -700.0, 700.0, 2.0);
  expect_close(exact_exp, std::exp, -1.0, 1.0, 2.0);
  EXPECT_EQ(exact_exp(0.0), 1.0);
  EXPECT_EQ(exact_exp(1000.0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(exact_exp(-1000.0), 0.0);
  EXPECT_NEAR(exact_exp(-740.0), std::exp(-740.0), 0x1p-1074);
}

TEST(HostMath, LogIsWithinTwoUlp) {
  expect_close(exact_log, std::log, 0.0, 1e300, 2.0);
  expect_close(exact_log, std::log, 0.5, 2.0, 2.0);
  expect_close(exact_log, std::log, 0.999999, 1.000001, 2.0);
  EXPECT_EQ(exact_log(1.0), 0.0);
  EXPECT_EQ(exact_log(0.0), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(exact_log(-1.0)));
  EXPECT_LE(ulp_distance(exact_log(0x1p-1070), std::log(0x1p-1070)), 2.0);
}

TEST(HostMath, PowIsWithinTwoUlp) {
  std::mt19937_64 generator(8);
  std::uniform_real_distribution<double> base(1e-3, 1e6), exponent(-40.0, 40.0), fraction(0.0, 1.0);
  double worst = 0.0;
  for (int i = 0; i < 100000; ++i) {
    const double b = base(generator), e = i % 2 == 0 ? exponent(generator) : fraction(generator);
    worst = std::max(worst, ulp_distance(exact_pow(b, e), std::pow(b, e)));
  }
  EXPECT_LE(worst, 2.0);
  EXPECT_EQ(exact_pow(500000.0, 0.0), 1.0);
  EXPECT_EQ(exact_pow(500000.0, 0.5), std::sqrt(500000.0));
}

TEST(HostMath, SinAndCosAreWithinTwoUlp) {
  for (const double range : {1.0, 100.0, 0x1p17, 0x1p20}) {
    expect_close(exact_sin, std::sin, -range, range, 2.0);
    expect_close(exact_cos, std::cos, -range, range, 2.0);
  }
  EXPECT_EQ(exact_sin(0.0), 0.0);
  EXPECT_EQ(exact_cos(0.0), 1.0);
}

TEST(HostMath, SinAndCosNearTheirZerosKeepTheirRelativeError) {
  for (int k = 1; k < 600000; k += 997) {
    const double x = k * 1.5707963267948966;
    EXPECT_LE(ulp_distance(exact_sin(x), std::sin(x)), 2.0) << x;
    EXPECT_LE(ulp_distance(exact_cos(x), std::cos(x)), 2.0) << x;
  }
}

TEST(HostMath, SinBeyondItsRangeIsAnError) { EXPECT_THROW(exact_sin(0x1.1p20), Error); }

TEST(HostMath, NormalDistributionEqualsMpmath) {
  for (const auto& [x, probability] : mpmath_values::kNormal) {
    EXPECT_LE(ulp_distance(exact_normal(x), probability), 4.0) << "x = " << x;
  }
}

TEST(HostMath, InverseNormalEqualsMpmath) {
  for (const auto& [probability, x] : mpmath_values::kInverseNormal) {
    EXPECT_LE(ulp_distance(exact_inverse_normal(probability), x), 4.0) << "p = " << probability;
  }
}

TEST(HostMath, InverseNormalInvertsAndIsOddAndRises) {
  double previous = -std::numeric_limits<double>::infinity();
  for (int i = 1; i < 4096; ++i) {
    const double p = i / 4096.0, x = exact_inverse_normal(p);
    EXPECT_GT(x, previous);
    EXPECT_NEAR(exact_normal(x), p, 1e-15);
    EXPECT_EQ(exact_inverse_normal(1.0 - p), -x);
    previous = x;
  }
}

TEST(HostMath, AProbabilityOutsideTheOpenIntervalIsAnError) {
  EXPECT_THROW(exact_inverse_normal(0.0), Error);
  EXPECT_THROW(exact_inverse_normal(1.0), Error);
}

}  // namespace
}  // namespace reprise::numerics
