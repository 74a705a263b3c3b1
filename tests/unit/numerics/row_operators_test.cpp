// Clauses [C-9] embedding, [C-10] RMSNorm, [C-11] RoPE, [C-13] SwiGLU, [C-14] elementwise.
#include <cmath>
#include <limits>

#include "kernel_test.h"
#include "reference/reference.h"
#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"

namespace reprise::numerics {
namespace {

using kernel_test::expect_gradient;
using kernel_test::expect_same_bits;
using kernel_test::Floats;
using kernel_test::for_each_target;
using kernel_test::random_floats;
using kernel_test::to_be_overwritten;
using Index = std::int64_t;

TEST(RmsNorm, EqualsTheReferenceBitForBit) {
  const Index shapes[][2] = {{1, 1}, {3, 5}, {2, 31}, {5, 32}, {4, 33}, {257, 24}, {512, 16}, {6, 128}, {2, 1000}};
  for (const auto& [rows, dim] : shapes) {
    const Floats x = random_floats(1, rows * dim), weight = random_floats(2, dim), dy = random_floats(3, rows * dim);
    const reference::Norm expected = reference::rms_norm(rows, dim, x, weight, 1e-6f, dy);
    for_each_target([&, rows = rows, dim = dim] {
      Floats y = to_be_overwritten(x.size()), inverse(static_cast<std::size_t>(rows));
      Floats dx = to_be_overwritten(x.size()), dweight = to_be_overwritten(weight.size());
      rms_norm_forward(rows, dim, x.data(), weight.data(), 1e-6f, y.data(), inverse.data());
      rms_norm_backward(rows, dim, dy.data(), x.data(), weight.data(), inverse.data(), dx.data(), dweight.data());
      expect_same_bits(inverse, expected.inverse_rms, "inverse_rms");
      expect_same_bits(y, expected.y, "y");
      expect_same_bits(dx, expected.dx, "dx");
      expect_same_bits(dweight, expected.dweight, "dweight");
    });
  }
}

double rms_norm_loss(Index rows, Index dim, const std::vector<double>& x, const std::vector<double>& weight,
                     const Floats& dy) {
  double total = 0.0;
  for (Index row = 0; row < rows; ++row) {
    double squares = 0.0;
    for (Index d = 0; d < dim; ++d) squares += x[row * dim + d] * x[row * dim + d];
    const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(dim) + 1e-6);
    for (Index d = 0; d < dim; ++d) {
      total += static_cast<double>(dy[row * dim + d]) * x[row * dim + d] * inverse * weight[d];
    }
  }
  return total;
}

TEST(RmsNorm, GradientsEqualFiniteDifferences) {
  const Index rows = 4, dim = 10;
  const Floats x = random_floats(4, rows * dim), weight = random_floats(5, dim), dy = random_floats(6, rows * dim);
  const std::vector<double> x_point(x.begin(), x.end()), weight_point(weight.begin(), weight.end());
  Floats y(x.size()), inverse(rows), dx(x.size()), dweight(weight.size());
  rms_norm_forward(rows, dim, x.data(), weight.data(), 1e-6f, y.data(), inverse.data());
  rms_norm_backward(rows, dim, dy.data(), x.data(), weight.data(), inverse.data(), dx.data(), dweight.data());
  expect_gradient(
      dx, x, [&](const auto& p) { return rms_norm_loss(rows, dim, p, weight_point, dy); }, 1e-5, "dx");
  expect_gradient(
      dweight, weight, [&](const auto& p) { return rms_norm_loss(rows, dim, x_point, p, dy); }, 1e-5, "dweight");
}

TEST(Rope, EqualsTheReferenceBitForBit) {
  const Index shapes[][4] = {{1, 1, 1, 2}, {2, 5, 3, 6}, {1, 40, 2, 32}, {2, 17, 1, 34}, {1, 3, 2, 128}};
  for (const auto& [sequences, length, heads, dim] : shapes) {
    const Index size = sequences * length * heads * dim;
    Floats cos(static_cast<std::size_t>(length * dim / 2)), sin(cos.size());
    rope_table(length, dim, 500000.0, cos.data(), sin.data());
    const Floats x = random_floats(7, size);
    const Floats forward = reference::rotate(sequences, length, heads, dim, false, x, cos, sin);
    const Floats backward = reference::rotate(sequences, length, heads, dim, true, x, cos, sin);
    for_each_target([&, sequences = sequences, length = length, heads = heads, dim = dim] {
      Floats y = to_be_overwritten(x.size());
      rope_forward(sequences, length, heads, dim, x.data(), cos.data(), sin.data(), y.data());
      expect_same_bits(y, forward, "forward");
      rope_backward(sequences, length, heads, dim, x.data(), cos.data(), sin.data(), y.data());
      expect_same_bits(y, backward, "backward");
      Floats in_place = x;
      rope_forward(sequences, length, heads, dim, in_place.data(), cos.data(), sin.data(), in_place.data());
      expect_same_bits(in_place, forward, "in place");
    });
  }
}

TEST(Rope, TheTableFollowsTransformers) {
  // Inverse frequency rounded to binary32, one binary32 product, then cos and sin of that angle.
  const Index length = 300, dim = 32;
  Floats cos(static_cast<std::size_t>(length * dim / 2)), sin(cos.size());
  rope_table(length, dim, 500000.0, cos.data(), sin.data());
  for (Index t = 0; t < length; ++t) {
    for (Index e = 0; e < dim / 2; ++e) {
      const auto frequency = static_cast<float>(1.0 / std::pow(500000.0, static_cast<double>(2 * e) / 32.0));
      const double angle = static_cast<double>(static_cast<float>(t) * frequency);
      EXPECT_NEAR(static_cast<double>(cos[t * dim / 2 + e]), std::cos(angle), 0x1p-24);
      EXPECT_NEAR(static_cast<double>(sin[t * dim / 2 + e]), std::sin(angle), 0x1p-24);
    }
  }
  EXPECT_EQ(cos[0], 1.0f);
  EXPECT_EQ(sin[0], 0.0f);
}

TEST(Rope, AnOddHeadSizeIsAConfigError) {
  Floats table(8);
  EXPECT_THROW(rope_table(2, 3, 10000.0, table.data(), table.data()), Error);
}

TEST(SwiGlu, EqualsTheReferenceBitForBit) {
  for (const Index count : {1, 7, 8, 15, 16, 17, 33, 1000}) {
    Floats gate = random_floats(8, count, 5.0f);
    const Floats up = random_floats(9, count), dy = random_floats(10, count);
    gate[0] = -100.0f;
    const reference::Gated expected = reference::swiglu(gate, up, dy);
    for_each_target([&] {
      Floats y = to_be_overwritten(gate.size()), dgate = y, dup = y;
      swiglu_forward(count, gate.data(), up.data(), y.data());
      swiglu_backward(count, gate.data(), up.data(), dy.data(), dgate.data(), dup.data());
      expect_same_bits(y, expected.y, "y");
      expect_same_bits(dgate, expected.dgate, "dgate");
      expect_same_bits(dup, expected.dup, "dup");
    });
  }
}

TEST(SwiGlu, GradientsEqualFiniteDifferences) {
  const Index count = 40;
  const Floats gate = random_floats(11, count, 3.0f), up = random_floats(12, count), dy = random_floats(13, count);
  Floats dgate(gate.size()), dup(gate.size());
  swiglu_backward(count, gate.data(), up.data(), dy.data(), dgate.data(), dup.data());
  const auto loss = [&](const std::vector<double>& g, const std::vector<double>& u) {
    double total = 0.0;
    for (std::size_t i = 0; i < g.size(); ++i) {
      total += static_cast<double>(dy[i]) * g[i] / (1.0 + std::exp(-g[i])) * u[i];
    }
    return total;
  };
  const std::vector<double> g(gate.begin(), gate.end()), u(up.begin(), up.end());
  expect_gradient(
      dgate, gate, [&](const auto& p) { return loss(p, u); }, 1e-5, "dgate");
  expect_gradient(
      dup, up, [&](const auto& p) { return loss(g, p); }, 1e-5, "dup");
}

TEST(Embedding, GradientAddsPositionsInAscendingOrder) {
  const Index dim = 19, vocab = 7;
  const std::vector<std::int32_t> ids = {3, 0, 3, 6, 3, 0, 3, 3, 1, 3};
  const Floats dy = random_floats(14, static_cast<Index>(ids.size()) * dim);
  Floats table = to_be_overwritten(static_cast<std::size_t>(vocab * dim));
  embedding_backward(static_cast<Index>(ids.size()), dim, vocab, ids.data(), dy.data(), table.data());
  expect_same_bits(table, reference::embedding_gradient(dim, vocab, ids, dy), "table gradient");
}

TEST(Embedding, ForwardCopiesRows) {
  const Floats table = random_floats(15, 12);
  const std::int32_t ids[] = {2, 0, 2};
  Floats y(9);
  embedding_forward(3, 3, ids, table.data(), y.data());
  EXPECT_EQ(y, (Floats{table[6], table[7], table[8], table[0], table[1], table[2], table[6], table[7], table[8]}));
}

TEST(Elementwise, EachIsOneRoundedOperation) {
  const Floats a = random_floats(16, 100), b = random_floats(17, 100);
  Floats sum(100), scaled = a, divided = a;
  add(100, a.data(), b.data(), sum.data());
  scale_in_place(100, 0.3f, scaled.data());
  divide_in_place(100, 3.0f, divided.data());
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(sum[i], a[i] + b[i]);
    EXPECT_EQ(scaled[i], a[i] * 0.3f);
    EXPECT_EQ(divided[i], a[i] / 3.0f);
  }
}

TEST(NonFinite, TheFirstIsFoundWhereverItIs) {
  const float bad[] = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                       std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::signaling_NaN()};
  for (const Index at : {0, 1, 1023, 1024, 2999}) {
    for (const float value : bad) {
      Floats x(3000, std::numeric_limits<float>::max());
      x[2999] = value;
      x[at] = value;
      EXPECT_EQ(find_non_finite(3000, x.data()), at);
    }
  }
}

TEST(NonFinite, LargestAndSubnormalValuesAreFinite) {
  const Floats x = {std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min(), -0.0f};
  EXPECT_EQ(find_non_finite(3, x.data()), -1);
  EXPECT_EQ(find_non_finite(0, x.data()), -1);
}

}  // namespace
}  // namespace reprise::numerics
