// Clause [C-38]: activations and gated units.
#include "reprise/numerics/activation.h"

#include <cmath>
#include <limits>

#include "kernel_test.h"
#include "reference/rows.h"

namespace reprise::numerics {
namespace {

using kernel_test::expect_gradient;
using kernel_test::expect_same_bits;
using kernel_test::Floats;
using kernel_test::for_each_target;
using kernel_test::random_floats;
using kernel_test::to_be_overwritten;
using Index = std::int64_t;

double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double relu_in_double(double x) { return x > 0 ? x : 0; }
double silu_in_double(double x) { return x * logistic(x); }
double gelu_in_double(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }
double gelu_tanh_in_double(double x) {
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
}

struct Case {
  Activation activation;
  reference::Activated (*reference)(float);
  double (*in_double)(double);
};

class Activations : public ::testing::TestWithParam<Case> {
 protected:
  const Case& c() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(All, Activations,
                         ::testing::Values(Case{Activation::kRelu, reference::relu, relu_in_double},
                                           Case{Activation::kSigmoid, reference::sigmoid_activation, logistic},
                                           Case{Activation::kSilu, reference::silu, silu_in_double},
                                           Case{Activation::kGelu, reference::gelu, gelu_in_double},
                                           Case{Activation::kGeluTanh, reference::gelu_tanh, gelu_tanh_in_double}));

/// Ordinary values, and the extremes of the format in front.
Floats inputs(std::uint32_t seed, Index count) {
  using Limits = std::numeric_limits<float>;
  const Floats extremes = {0.0f,
                           -0.0f,
                           Limits::denorm_min(),
                           -Limits::denorm_min(),
                           Limits::min(),
                           1e-3f,
                           -100.0f,
                           100.0f,
                           -12.0f,
                           1e10f,
                           -1e10f,
                           1e25f,
                           -1e25f};
  Floats x = random_floats(seed, count, 3.0f);
  for (std::size_t i = 0; i < x.size() && i < extremes.size() && count > 20; ++i) x[i] = extremes[i];
  return x;
}

TEST_P(Activations, EqualTheReferenceBitForBit) {
  for (const Index count : {1, 7, 8, 15, 16, 17, 31, 33, 1009, 20000}) {
    const Floats x = inputs(1, count), dy = random_floats(2, count);
    Floats y_expected(x.size()), dx_expected(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const reference::Activated value = c().reference(x[i]);
      y_expected[i] = value.value;
      dx_expected[i] = dy[i] * value.slope;
    }
    for_each_target([&] {
      Floats y = to_be_overwritten(x.size()), dx = y, in_place = x;
      activation_forward(c().activation, count, x.data(), y.data());
      activation_backward(c().activation, count, x.data(), dy.data(), dx.data());
      activation_forward(c().activation, count, in_place.data(), in_place.data());
      expect_same_bits(y, y_expected, "y");
      expect_same_bits(dx, dx_expected, "dx");
      expect_same_bits(in_place, y_expected, "in place");
    });
  }
}

TEST_P(Activations, GateBitForBitAsTheReference) {
  for (const Index count : {1, 7, 8, 15, 16, 17, 31, 33, 1009, 20000}) {
    const Floats gate = inputs(3, count), up = random_floats(4, count), dy = random_floats(5, count);
    const reference::Gated expected = reference::gated(c().reference, gate, up, dy);
    for_each_target([&] {
      Floats y = to_be_overwritten(gate.size()), dgate = y, dup = y;
      gated_forward(c().activation, count, gate.data(), up.data(), y.data());
      gated_backward(c().activation, count, gate.data(), up.data(), dy.data(), dgate.data(), dup.data());
      expect_same_bits(y, expected.y, "y");
      expect_same_bits(dgate, expected.dgate, "dgate");
      expect_same_bits(dup, expected.dup, "dup");
    });
  }
}

TEST_P(Activations, AreCloseToBinary64) {
  const Floats x = random_floats(6, 20000, 4.0f);
  Floats y(x.size());
  activation_forward(c().activation, 20000, x.data(), y.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = c().in_double(static_cast<double>(x[i]));
    EXPECT_NEAR(static_cast<double>(y[i]), expected, 0x1p-22 * std::fmax(1.0, std::fabs(expected))) << x[i];
  }
}

TEST_P(Activations, GradientsEqualFiniteDifferences) {
  const Index count = 200;
  const Floats x = random_floats(7, count, 3.0f), up = random_floats(8, count), dy = random_floats(9, count);
  Floats dx(x.size()), dgate(x.size()), dup(x.size());
  activation_backward(c().activation, count, x.data(), dy.data(), dx.data());
  gated_backward(c().activation, count, x.data(), up.data(), dy.data(), dgate.data(), dup.data());
  const std::vector<double> gates(x.begin(), x.end()), ups(up.begin(), up.end()), ones(up.size(), 1.0);
  const auto loss = [&](const std::vector<double>& g, const std::vector<double>& u) {
    double total = 0.0;
    for (std::size_t i = 0; i < g.size(); ++i) total += static_cast<double>(dy[i]) * c().in_double(g[i]) * u[i];
    return total;
  };
  expect_gradient(
      dx, x, [&](const auto& p) { return loss(p, ones); }, 1e-5, "dx");
  expect_gradient(
      dgate, x, [&](const auto& p) { return loss(p, ups); }, 1e-5, "dgate");
  expect_gradient(
      dup, up, [&](const auto& p) { return loss(gates, p); }, 1e-5, "dup");
}

TEST_P(Activations, StayFiniteForFiniteInputsAndPassANaNOn) {
  const float largest = std::numeric_limits<float>::max();
  for_each_target([&] {
    const Floats x = {largest, -largest, 1e20f, -1e20f, 0x1p32f, -0x1p33f};
    Floats y(x.size()), dx(x.size());
    const Floats ones(x.size(), 1.0f);
    activation_forward(c().activation, 6, x.data(), y.data());
    activation_backward(c().activation, 6, x.data(), ones.data(), dx.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_TRUE(std::isfinite(y[i])) << x[i];
      EXPECT_TRUE(std::isfinite(dx[i])) << x[i];
    }
    const Floats nan(1, std::numeric_limits<float>::quiet_NaN());
    activation_forward(c().activation, 1, nan.data(), y.data());
    EXPECT_TRUE(std::isnan(y[0]));
  });
}

TEST(GeluTanh, KeepsItsDigitsInTheNegativeTail) {
  // 1 + tanh(u) would have lost them all from about -5 on.
  for (const float x : {-4.0f, -5.0f, -6.0f, -8.0f}) {
    float y = 0.0f;
    activation_forward(Activation::kGeluTanh, 1, &x, &y);
    const double wide = static_cast<double>(x);
    const double expected = wide * logistic(2 * std::sqrt(2.0 / M_PI) * (wide + 0.044715 * wide * wide * wide));
    EXPECT_NEAR(static_cast<double>(y) / expected, 1.0, 1e-5) << x;
  }
}

TEST(Relu, BothZerosAndNegativeValuesGivePlusZero) {
  for_each_target([] {
    const Floats x = {0.0f, -0.0f, -1.0f, 2.0f};
    Floats y(4);
    activation_forward(Activation::kRelu, 4, x.data(), y.data());
    expect_same_bits(y, {0.0f, 0.0f, 0.0f, 2.0f}, "y");
  });
}

}  // namespace
}  // namespace reprise::numerics
