// Clauses [C-6] exp, [C-7] log, [C-8] sigmoid, [C-31] tanh, [C-32] erf: a sample of all inputs, and the special ones.
// The long test runs all.
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
    expect_same_bits(y, expected, GetParam().name);
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
    expect_same_bits(y, Floats(4, kCanonicalNan), GetParam().name);
  });
}

TEST_P(ExactFunction, ABitPatternHasOneValueAtAnyPlaceInTheArray) {
  for (std::int64_t count = 1; count <= 40; ++count) {
    const Floats x(static_cast<std::size_t>(count), 0.7f);
    for_each_target([&] {
      Floats y(x.size());
      GetParam().kernel(count, x.data(), y.data());
      expect_same_bits(y, Floats(x.size(), GetParam().reference(0.7f)), GetParam().name);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Functions, ExactFunction, ::testing::ValuesIn(input_sweep::kFunctions),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(ExactExp, SpecialValuesAreExact) {
  for_each_target([] {
    const Floats x = {0.0f, -0.0f, kInfinity, -kInfinity, 88.8f, -103.98f};
    Floats y(x.size());
    exact_exp(6, x.data(), y.data());
    expect_same_bits(y, {1.0f, 1.0f, kInfinity, 0.0f, kInfinity, 0.0f}, "exp");
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

}  // namespace
}  // namespace reprise::numerics
