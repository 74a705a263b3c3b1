// Clauses [C-16] gradient norm and [C-17] AdamW.
#include <cmath>

#include "kernel_test.h"
#include "reference/reference.h"
#include "reprise/numerics/kernels.h"

namespace reprise::numerics {
namespace {

using kernel_test::expect_same_bits;
using kernel_test::Floats;
using kernel_test::for_each_target;
using kernel_test::random_floats;
using Index = std::int64_t;

TEST(GradientNorm, ChunkSumsEqualTheReferenceBitForBit) {
  for (const Index count : {0, 1, 31, 32, 33, 100, 4095, 4096}) {
    const Floats x = random_floats(1, count);
    const float expected = reference::sum_of_squares(x);
    for_each_target([&] { expect_same_bits({chunk_sum_of_squares(count, x.data())}, {expected}, "sum"); });
  }
}

TEST(GradientNorm, TheTreeSplitsAtTheLargestPowerOfTwoBelowTheSize) {
  const Floats five = {0x1p53f, 1.0f, 1.0f, 1.0f, 3.0f};
  // ((2^53 + 1) + (1 + 1)) + 3 in binary64: 2^53 + 1 rounds to 2^53.
  EXPECT_EQ(sum_chunks(five), (0x1p53 + 2.0) + 3.0);
  // ((2^54 + 1) + (1 + 1)) + 1: each sum falls back to 2^54. Split in the middle, 1 + (1 + 1) would make it 2^54 + 4.
  EXPECT_EQ(sum_chunks(Floats{0x1p54f, 1.0f, 1.0f, 1.0f, 1.0f}), 0x1p54);
  for (const Index count : {1, 2, 3, 6, 7, 64, 465}) {
    // Magnitudes over 2^60, so that binary64 sums of these binary32 values round.
    Floats sums = random_floats(2, count);
    for (Index i = 0; i < count; ++i) sums[i] = std::ldexp(sums[i], static_cast<int>(i * 37 % 61) - 30);
    EXPECT_EQ(sum_chunks(sums), reference::tree_sum(sums, 0, count)) << count;
  }
  EXPECT_EQ(sum_chunks({}), 0.0);
}

const AdamWStep kStep{3e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.1f, 0.05f};

TEST(AdamW, EqualsTheReferenceBitForBit) {
  for (const Index count : {1, 7, 16, 31, 500}) {
    const Floats g = random_floats(3, count, 1e-3f), w = random_floats(4, count), m = random_floats(5, count, 1e-3f);
    Floats v = random_floats(6, count, 1e-3f);
    for (float& x : v) x *= x;
    Floats w_expected = w, m_expected = m, v_expected = v;
    const reference::Optimizer o{kStep.learning_rate,   kStep.beta1,        kStep.beta2,
                                 kStep.epsilon,         kStep.weight_decay, kStep.bias_correction1,
                                 kStep.bias_correction2};
    for (std::size_t i = 0; i < g.size(); ++i) reference::adamw(o, g[i], w_expected[i], m_expected[i], v_expected[i]);
    for_each_target([&] {
      Floats w_actual = w, m_actual = m, v_actual = v;
      adamw_update(count, kStep, g.data(), w_actual.data(), m_actual.data(), v_actual.data());
      expect_same_bits(w_actual, w_expected, "w");
      expect_same_bits(m_actual, m_expected, "m");
      expect_same_bits(v_actual, v_expected, "v");
    });
  }
}

TEST(AdamW, FollowsTheFormulaOfPyTorchInBinary64) {
  const Index count = 400;
  const Floats g = random_floats(7, count, 1e-4f), w = random_floats(8, count);
  Floats w_actual = w, m(g.size()), v(g.size());
  std::vector<double> w_exact(w.begin(), w.end()), m_exact(g.size()), v_exact(g.size());
  const double beta1 = static_cast<double>(0.9f), beta2 = static_cast<double>(0.95f);
  double power1 = 1.0, power2 = 1.0;
  for (int t = 1; t <= 5; ++t) {
    power1 *= beta1;
    power2 *= beta2;
    AdamWStep step = kStep;
    step.bias_correction1 = static_cast<float>(1.0 - power1);
    step.bias_correction2 = static_cast<float>(1.0 - power2);
    adamw_update(count, step, g.data(), w_actual.data(), m.data(), v.data());
    const double rate = static_cast<double>(step.learning_rate);
    for (std::size_t i = 0; i < g.size(); ++i) {
      const double x = static_cast<double>(g[i]);
      w_exact[i] *= 1.0 - rate * static_cast<double>(step.weight_decay);
      m_exact[i] += (1.0 - beta1) * (x - m_exact[i]);
      v_exact[i] = beta2 * v_exact[i] + (1.0 - beta2) * x * x;
      const double denominator = std::sqrt(v_exact[i]) / std::sqrt(1.0 - power2) + static_cast<double>(step.epsilon);
      w_exact[i] -= rate / (1.0 - power1) * m_exact[i] / denominator;
    }
  }
  for (std::size_t i = 0; i < g.size(); ++i) {
    // Per step: w is rounded twice, the decay factor once; the update is right to a few ulp of the learning rate.
    EXPECT_NEAR(static_cast<double>(w_actual[i]), w_exact[i], 5 * (3 * 0x1p-24 * std::fabs(w_exact[i]) + 3e-3 * 1e-6));
  }
}

TEST(AdamW, WithoutDecayAndGradientTheWeightStays) {
  AdamWStep step = kStep;
  step.weight_decay = 0.0f;
  const Floats w = random_floats(9, 50), zero(50, 0.0f);
  for_each_target([&] {
    Floats w_actual = w, m = zero, v = zero;
    adamw_update(50, step, zero.data(), w_actual.data(), m.data(), v.data());
    expect_same_bits(w_actual, w, "w");
  });
}

}  // namespace
}  // namespace reprise::numerics
