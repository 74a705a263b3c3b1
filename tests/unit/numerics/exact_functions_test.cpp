// Clauses [C-6] exp, [C-7] log, [C-8] sigmoid, [C-31] tanh, [C-32] erf, [C-33] sin and cos, [C-34] rsqrt: a sample of
// all inputs, and the special ones. The long test runs all.
#include "reprise/numerics/exact_functions.h"

#include <cmath>
#include <limits>

#include "input_sweep.h"
#include "kernel_test.h"
#include "reference/reference.h"

namespace reprise::numerics {
namespace {

using kernel_test::expect_same_bits;
using kernel_test::Floats;
using kernel_test::for_each_target;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const float kCanonicalNan = std::bit_cast<float>(0x7fc00000u);

/// Every 4099th (a prime) bit pattern: 1.05 million inputs of every sign and exponent.
Floats sampled_inputs() {
  Floats inputs;
  for (std::uint64_t bits = 0; bits < (1ull << 32); bits += 4099) {
    inputs.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  return inputs;
}

class ExactFunction : public ::testing::TestWithParam<input_sweep::Function> {};

TEST_P(ExactFunction, EqualsTheReferenceBitForBitOnASample) {
  const Floats x = sampled_inputs();
  Floats expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] = GetParam().reference(x[i]);
  for_each_target([&] {
    Floats y(x.size());
    GetParam().kernel(static_cast<std::int64_t>(x.size()), x.data(), y.data());
    expect_same_bits(y, expected, GetParam().name.c_str());
  });
}

TEST_P(ExactFunction, TheErrorOnASampleIsWithinTheContract) {
  const Floats x = sampled_inputs();
  Floats y(x.size());
  GetParam().kernel(static_cast<std::int64_t>(x.size()), x.data(), y.data());
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, input_sweep::ulp_error(GetParam(), x[i], y[i]));
  EXPECT_LE(worst, GetParam().max_ulp);
}

TEST_P(ExactFunction, EveryNanBecomesTheCanonicalOne) {
  const Floats x = {std::bit_cast<float>(0x7f800001u), std::bit_cast<float>(0x7fffffffu),
                    std::bit_cast<float>(0xffc00000u), std::bit_cast<float>(0xff812345u)};
  for_each_target([&] {
    Floats y(x.size());
    GetParam().kernel(4, x.data(), y.data());
    expect_same_bits(y, Floats(4, kCanonicalNan), GetParam().name.c_str());
  });
}

TEST_P(ExactFunction, ABitPatternHasOneValueAtAnyPlaceInTheArray) {
  for (std::int64_t count = 1; count <= 40; ++count) {
    const Floats x(static_cast<std::size_t>(count), 0.7f);
    for_each_target([&] {
      Floats y(x.size());
      GetParam().kernel(count, x.data(), y.data());
      expect_same_bits(y, Floats(x.size(), GetParam().reference(0.7f)), GetParam().name.c_str());
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Functions, ExactFunction, ::testing::ValuesIn(input_sweep::functions()),
                         [](const auto& test) { return test.param.name; });

TEST(ExactExp, SpecialValuesAreExact) {
  for_each_target([] {
    const Floats x = {0.0f, -0.0f, kInfinity, -kInfinity, 88.8f, -103.98f};
    Floats y(x.size());
    exact_exp(6, x.data(), y.data());
    expect_same_bits(y, {1.0f, 1.0f, kInfinity, 0.0f, kInfinity, 0.0f}, "exp");
  });
}

// 20 inputs of exp and 4 of sigmoid tell, and the published sample holds none of them [C-6].
TEST(ExactExp, TheProductIsNotRoundedBeforeItsNearestInteger) {
  const auto floats = [](std::initializer_list<std::uint32_t> bits) {
    Floats values;
    for (const std::uint32_t word : bits) values.push_back(std::bit_cast<float>(word));
    return values;
  };
  for_each_target([&] {
    Floats y(3);
    exact_exp(3, floats({0x3f851592u, 0x401b43d5u, 0x4073fce1u}).data(), y.data());
    expect_same_bits(y, floats({0x403504f3u, 0x413504f3u, 0x423504f3u}), "exp");
    exact_sigmoid(3, floats({0xc073fce1u, 0xc0bc893au, 0xc26782dbu}).data(), y.data());
    expect_same_bits(y, floats({0x3cb11b17u, 0x3b34854au, 0x15b504ffu}), "sigmoid");
  });
}

TEST(ExactLog, SpecialValuesAreExact) {
  for_each_target([] {
    const Floats x = {1.0f, 0.0f, -0.0f, kInfinity, -1.0f, -kInfinity};
    Floats y(x.size());
    exact_log(6, x.data(), y.data());
    expect_same_bits(y, {0.0f, -kInfinity, -kInfinity, kInfinity, kCanonicalNan, kCanonicalNan}, "log");
  });
}

TEST(ExactSigmoid, SpecialValuesAreExact) {
  for_each_target([] {
    const Floats x = {0.0f, -0.0f, kInfinity, -kInfinity, 200.0f, -200.0f};
    Floats y(x.size());
    exact_sigmoid(6, x.data(), y.data());
    expect_same_bits(y, {0.5f, 0.5f, 1.0f, 0.0f, 1.0f, 0.0f}, "sigmoid");
  });
}

TEST(ExactTanh, SpecialValuesAreExactAndKeepTheSign) {
  for_each_target([] {
    const Floats x = {0.0f, -0.0f, kInfinity, -kInfinity, 9.02f, -300.0f, 0x1p-149f, -0x1p-140f};
    Floats y(x.size());
    exact_tanh(8, x.data(), y.data());
    expect_same_bits(y, {0.0f, -0.0f, 1.0f, -1.0f, 1.0f, -1.0f, 0x1p-149f, -0x1p-140f}, "tanh");
  });
}

TEST(ExactErf, SpecialValuesAreExactAndKeepTheSign) {
  for_each_target([] {
    const Floats x = {0.0f, -0.0f, kInfinity, -kInfinity, 3.92f, -300.0f, 0x1p-149f, -0x1p-149f};
    Floats y(x.size());
    exact_erf(8, x.data(), y.data());
    expect_same_bits(y, {0.0f, -0.0f, 1.0f, -1.0f, 1.0f, -1.0f, 0x1p-149f, -0x1p-149f}, "erf");
  });
}

TEST(ExactSin, SpecialValuesAreExactAndKeepTheSign) {
  for_each_target([] {
    const Floats x = {0.0f, -0.0f, 0x1p-149f, -0x1p-149f, -0x1p-20f};
    Floats y(x.size());
    exact_sin(5, x.data(), y.data());
    expect_same_bits(y, x, "sin");
  });
}

TEST(ExactCos, ZerosAndSubnormalsGiveOne) {
  for_each_target([] {
    const Floats x = {0.0f, -0.0f, 0x1p-149f, -0x1p-149f};
    Floats y(x.size());
    exact_cos(4, x.data(), y.data());
    expect_same_bits(y, Floats(4, 1.0f), "cos");
  });
}

TEST(ExactSinAndCos, AreNanBeyondTwoToTheSeventeenthAndNotAtIt) {
  for_each_target([] {
    const Floats beyond = {0x1.000002p17f, -0x1.000002p17f, 3e38f, kInfinity, -kInfinity};
    Floats y(beyond.size());
    exact_sin(5, beyond.data(), y.data());
    expect_same_bits(y, Floats(5, kCanonicalNan), "sin beyond");
    exact_cos(5, beyond.data(), y.data());
    expect_same_bits(y, Floats(5, kCanonicalNan), "cos beyond");
    const Floats limit = {0x1p17f, -0x1p17f};
    Floats sine(2), cosine(2);
    exact_sin(2, limit.data(), sine.data());
    exact_cos(2, limit.data(), cosine.data());
    // mpmath 1.3: sin(2^17) and cos(2^17); their units of the last place are 2^-24 and 2^-28
    EXPECT_NEAR(static_cast<double>(sine[0]), -0.9991137889507708271, 1.21 * 0x1p-24);
    EXPECT_NEAR(static_cast<double>(cosine[0]), 0.04209081525029623210, 1.21 * 0x1p-28);
    EXPECT_EQ(sine[1], -sine[0]);
    EXPECT_EQ(cosine[1], cosine[0]);
  });
}

TEST(ExactSinAndCos, StayAccurateBesideEveryMultipleOfAQuarterTurn) {
  Floats x;
  for (double n = 1.0; n <= 83443.0; n += 1.0) {
    const float nearest = static_cast<float>(n * 0x1.921fb54442d18p+0);
    x.insert(x.end(), {std::nextafter(nearest, 0.0f), nearest, std::nextafter(nearest, 1e6f)});
  }
  Floats y(x.size());
  for (const input_sweep::Function& function : input_sweep::functions()) {
    if (function.name != "sin" && function.name != "cos") continue;
    function.kernel(static_cast<std::int64_t>(x.size()), x.data(), y.data());
    double worst = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, input_sweep::ulp_error(function, x[i], y[i]));
    EXPECT_LE(worst, function.max_ulp) << function.name;
  }
}

TEST(ExactRsqrt, SpecialValuesAreExact) {
  for_each_target([] {
    const Floats x = {4.0f, 0.0f, -0.0f, kInfinity, -1.0f, -kInfinity, -0x1p-149f, 0x1p-148f};
    Floats y(x.size());
    exact_rsqrt(8, x.data(), y.data());
    expect_same_bits(y, {0.5f, kInfinity, -kInfinity, 0.0f, kCanonicalNan, kCanonicalNan, kCanonicalNan, 0x1p74f},
                     "rsqrt");
  });
}

}  // namespace
}  // namespace reprise::numerics
