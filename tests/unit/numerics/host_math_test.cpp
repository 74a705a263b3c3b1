// Clauses [C-2], [C-52] to [C-54]: binary64 host functions, against glibc (error below one ulp of its own), values by
// mpmath, and the contract's table, which tests/peers/host_functions.py computes from the text.
#include "reprise/numerics/host_math.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <sstream>
#include <vector>

#include "mpmath_values.h"
#include "reprise/core/error.h"
#include "reprise/core/hash.h"

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

TEST(HostMath, HasTheBitsOfTheTableOfTheContract) {
  constexpr double kStep = 0x1.6a09e667f3bcdp+0;
  const std::pair<const char*, std::function<double(int)>> samples[] = {
      {"exp", [](int i) { return exact_exp((i - 2048) * kStep * 0.25); }},
      {"log", [](int i) { return exact_log(std::ldexp((i + 1) * kStep, i % 2048 - 1072)); }},
      {"pow", [](int i) { return exact_pow((i + 1) * kStep, (i % 128 - 64) * kStep * 0.25); }},
      {"sin", [](int i) { return exact_sin((i - 2048) * kStep * 256.0); }},
      {"cos", [](int i) { return exact_cos((i - 2048) * kStep * 256.0); }},
      {"Phi", [](int i) { return exact_normal((i - 2048) * kStep * 0x1p-6); }},
      {"inverse Phi",
       [](int i) { return exact_inverse_normal(std::ldexp((i + 0.5) * 0x1p-12, i % 2 == 0 ? 0 : -(i % 512))); }},
  };
  std::ifstream file(REPRISE_SOURCE_DIR "/docs/numeric_contract.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const auto& [name, value] : samples) {
    std::vector<double> values;
    for (int i = 0; i < 4096; ++i) values.push_back(value(i));
    const Digest digest = sha256(std::as_bytes(std::span<const double>(values)));
    const std::string row = fmt::format("\n| {} | `{}` |", name, digest.hex());
    EXPECT_NE(page.str().find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace reprise::numerics
