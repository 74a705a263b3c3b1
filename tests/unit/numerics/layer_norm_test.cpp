// Clauses [C-35] LayerNorm and [C-36] bias.
#include <cmath>

#include "kernel_test.h"
#include "reference/rows.h"
#include "reprise/numerics/linear.h"
#include "reprise/numerics/norm.h"

namespace reprise::numerics {
namespace {

using kernel_test::expect_gradient;
using kernel_test::expect_same_bits;
using kernel_test::Floats;
using kernel_test::for_each_target;
using kernel_test::random_floats;
using kernel_test::to_be_overwritten;
using Index = std::int64_t;
constexpr float kEpsilon = 1e-5f;

// One, odd, prime, the edges of vectors, lanes and segments, and large.
const std::vector<std::pair<Index, Index>> kShapes = {{1, 1},   {3, 5},    {2, 31},   {5, 32},    {4, 33},   {7, 63},
                                                      {6, 64},  {3, 65},   {255, 9},  {256, 7},   {257, 24}, {513, 16},
                                                      {6, 128}, {11, 257}, {2, 1009}, {1031, 130}};

TEST(Bias, EqualsTheReferenceBitForBit) {
  for (const auto& [rows, dim] : kShapes) {
    const Floats y = random_floats(1, rows * dim), bias = random_floats(2, dim), dy = random_floats(3, rows * dim);
    const Floats sums = reference::with_bias(dim, y, bias), gradient = reference::bias_gradient(rows, dim, dy);
    for_each_target([&, rows = rows, dim = dim] {
      Floats actual = y, dbias = to_be_overwritten(bias.size());
      add_bias(rows, dim, bias.data(), actual.data());
      bias_gradient(rows, dim, dy.data(), dbias.data());
      expect_same_bits(actual, sums, "y");
      expect_same_bits(dbias, gradient, "dbias");
    });
  }
}

TEST(Bias, TheGradientOfNoRowsIsZero) {
  for_each_target([] {
    Floats dbias = to_be_overwritten(37);
    bias_gradient(0, 37, nullptr, dbias.data());
    expect_same_bits(dbias, Floats(37), "dbias");
  });
}

TEST(Bias, TheGradientIsTheSumOfTheRowsWithinTheBoundOfItsAdditions) {
  const Index rows = 1031, dim = 67;
  const Floats dy = random_floats(4, rows * dim);
  Floats dbias(static_cast<std::size_t>(dim));
  bias_gradient(rows, dim, dy.data(), dbias.data());
  for (Index d = 0; d < dim; ++d) {
    double sum = 0.0, magnitude = 0.0;
    for (Index row = 0; row < rows; ++row) {
      sum += static_cast<double>(dy[row * dim + d]);
      magnitude += std::fabs(static_cast<double>(dy[row * dim + d]));
    }
    // 256 additions in a segment and 4 of segments, each wrong by at most 2^-24 of a partial sum.
    EXPECT_NEAR(static_cast<double>(dbias[d]), sum, 260 * 0x1p-24 * magnitude) << d;
  }
}

void expect_layer_norm(Index rows, Index dim, bool with_bias, float offset) {
  Floats x = random_floats(5, rows * dim);
  for (float& value : x) value += offset;
  const Floats weight = random_floats(6, dim), dy = random_floats(7, rows * dim);
  const Floats bias = with_bias ? random_floats(8, dim) : Floats();
  const reference::LayerNorm expected = reference::layer_norm(rows, dim, x, weight, bias, kEpsilon, dy);
  for_each_target([&] {
    Floats y = to_be_overwritten(x.size()), dx = y, dweight = to_be_overwritten(weight.size());
    Floats mean(static_cast<std::size_t>(rows)), inverse = mean, dbias = to_be_overwritten(bias.size());
    layer_norm_forward(rows, dim, x.data(), weight.data(), with_bias ? bias.data() : nullptr, kEpsilon, y.data(),
                       mean.data(), inverse.data());
    layer_norm_backward(rows, dim, dy.data(), x.data(), weight.data(), mean.data(), inverse.data(), dx.data(),
                        dweight.data(), with_bias ? dbias.data() : nullptr);
    expect_same_bits(mean, expected.mean, "mean");
    expect_same_bits(inverse, expected.inverse_deviation, "inverse_deviation");
    expect_same_bits(y, expected.y, "y");
    expect_same_bits(dx, expected.dx, "dx");
    expect_same_bits(dweight, expected.dweight, "dweight");
    expect_same_bits(dbias, expected.dbias, "dbias");
  });
}

TEST(LayerNorm, EqualsTheReferenceBitForBit) {
  for (const auto& [rows, dim] : kShapes) {
    SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(dim));
    expect_layer_norm(rows, dim, true, 0.0f);
    expect_layer_norm(rows, dim, false, 3.0f);
  }
}

TEST(LayerNorm, TheInputGradientMayReplaceTheOutputGradient) {
  const Index rows = 5, dim = 45;
  const Floats x = random_floats(9, rows * dim), weight = random_floats(10, dim), dy = random_floats(11, rows * dim);
  const reference::LayerNorm expected = reference::layer_norm(rows, dim, x, weight, Floats(45), kEpsilon, dy);
  for_each_target([&] {
    Floats in_place = dy, dweight(weight.size()), dbias(weight.size());
    layer_norm_backward(rows, dim, in_place.data(), x.data(), weight.data(), expected.mean.data(),
                        expected.inverse_deviation.data(), in_place.data(), dweight.data(), dbias.data());
    expect_same_bits(in_place, expected.dx, "dx");
    expect_same_bits(dweight, expected.dweight, "dweight");
    expect_same_bits(dbias, expected.dbias, "dbias");
  });
}

/// Outputs in binary64, row after row.
std::vector<double> layer_norm_in_double(Index rows, Index dim, const std::vector<double>& x,
                                         const std::vector<double>& weight, const std::vector<double>& bias) {
  std::vector<double> y(x.size());
  for (Index row = 0; row < rows; ++row) {
    double mean = 0.0, squares = 0.0;
    for (Index d = 0; d < dim; ++d) mean += x[row * dim + d] / static_cast<double>(dim);
    for (Index d = 0; d < dim; ++d) squares += (x[row * dim + d] - mean) * (x[row * dim + d] - mean);
    const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(dim) + static_cast<double>(kEpsilon));
    for (Index d = 0; d < dim; ++d) y[row * dim + d] = (x[row * dim + d] - mean) * inverse * weight[d] + bias[d];
  }
  return y;
}

std::vector<double> doubles(const Floats& x) { return {x.begin(), x.end()}; }

TEST(LayerNorm, IsCloseToBinary64EvenFarFromZero) {
  // The rounding of the mean is one of the inputs' magnitude, hence the factor of the second case.
  for (const auto& [offset, bound] : {std::pair{0.0f, 4e-6}, std::pair{100.0f, 4e-5}}) {
    const Index rows = 20, dim = 515;
    Floats x = random_floats(12, rows * dim);
    for (float& value : x) value += offset;
    const Floats weight = random_floats(13, dim), bias = random_floats(14, dim);
    Floats y(x.size()), mean(rows), inverse(rows);
    layer_norm_forward(rows, dim, x.data(), weight.data(), bias.data(), kEpsilon, y.data(), mean.data(),
                       inverse.data());
    const std::vector<double> expected = layer_norm_in_double(rows, dim, doubles(x), doubles(weight), doubles(bias));
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(static_cast<double>(y[i]), expected[i], bound) << i;
  }
}

TEST(LayerNorm, GradientsEqualFiniteDifferences) {
  const Index rows = 4, dim = 10;
  const Floats x = random_floats(15, rows * dim), weight = random_floats(16, dim), bias = random_floats(17, dim);
  const Floats dy = random_floats(18, rows * dim);
  Floats y(x.size()), mean(rows), inverse(rows), dx(x.size()), dweight(weight.size()), dbias(bias.size());
  layer_norm_forward(rows, dim, x.data(), weight.data(), bias.data(), kEpsilon, y.data(), mean.data(), inverse.data());
  layer_norm_backward(rows, dim, dy.data(), x.data(), weight.data(), mean.data(), inverse.data(), dx.data(),
                      dweight.data(), dbias.data());
  const auto loss = [&](const std::vector<double>& at_x, const std::vector<double>& at_weight,
                        const std::vector<double>& at_bias) {
    const std::vector<double> values = layer_norm_in_double(rows, dim, at_x, at_weight, at_bias);
    double total = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) total += static_cast<double>(dy[i]) * values[i];
    return total;
  };
  const std::vector<double> x_point = doubles(x), weight_point = doubles(weight), bias_point = doubles(bias);
  const auto along_x = [&](const auto& p) { return loss(p, weight_point, bias_point); };
  const auto along_weight = [&](const auto& p) { return loss(x_point, p, bias_point); };
  const auto along_bias = [&](const auto& p) { return loss(x_point, weight_point, p); };
  expect_gradient(dx, x, along_x, 1e-5, "dx");
  expect_gradient(dweight, weight, along_weight, 1e-5, "dweight");
  expect_gradient(dbias, bias, along_bias, 1e-5, "dbias");
}

}  // namespace
}  // namespace reprise::numerics
