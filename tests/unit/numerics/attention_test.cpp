// Clause [C-12]: causal self-attention.
#include <cmath>

#include "kernel_test.h"
#include "reference/reference.h"
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

struct Shape {
  Index sequences, length, heads, dim;
  Index size() const { return sequences * length * heads * dim; }
  Index rows() const { return sequences * length * heads; }
  float scale() const { return static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim))); }
};

struct Inputs {
  Floats q, k, v, dout;
};

Inputs random_inputs(const Shape& s) {
  return {random_floats(1, s.size(), 2.0f), random_floats(2, s.size(), 2.0f), random_floats(3, s.size()),
          random_floats(4, s.size())};
}

reference::Attention run(const Shape& s, const Inputs& in) {
  const auto size = static_cast<std::size_t>(s.size()), rows = static_cast<std::size_t>(s.rows());
  reference::Attention r{to_be_overwritten(size), to_be_overwritten(rows), to_be_overwritten(rows),
                         to_be_overwritten(size), to_be_overwritten(size), to_be_overwritten(size)};
  attention_forward(s.sequences, s.length, s.heads, s.dim, s.scale(), in.q.data(), in.k.data(), in.v.data(),
                    r.out.data(), r.row_max.data(), r.row_sum.data());
  attention_backward(s.sequences, s.length, s.heads, s.dim, s.scale(), in.q.data(), in.k.data(), in.v.data(),
                     r.out.data(), r.row_max.data(), r.row_sum.data(), in.dout.data(), r.dq.data(), r.dk.data(),
                     r.dv.data());
  return r;
}

TEST(Attention, EqualsTheReferenceBitForBit) {
  // Lengths around query blocks (32), tiles and segments (256); head sizes around vectors, and one beyond a segment.
  const Shape shapes[] = {{1, 1, 1, 1},   {2, 2, 1, 3},   {1, 31, 2, 8},  {1, 32, 1, 32}, {1, 33, 3, 32},
                          {2, 70, 2, 16}, {1, 97, 1, 17}, {1, 40, 1, 64}, {1, 9, 1, 260}, {1, 256, 1, 32},
                          {1, 257, 1, 5}, {1, 300, 1, 4}, {1, 525, 1, 2}};
  for (const Shape& s : shapes) {
    SCOPED_TRACE(testing::Message() << s.sequences << " x " << s.length << " x " << s.heads << " x " << s.dim);
    const Inputs in = random_inputs(s);
    const reference::Attention expected =
        reference::attention(s.sequences, s.length, s.heads, s.dim, s.scale(), in.q, in.k, in.v, in.dout);
    for_each_target([&] {
      const reference::Attention actual = run(s, in);
      expect_same_bits(actual.row_max, expected.row_max, "row_max");
      expect_same_bits(actual.row_sum, expected.row_sum, "row_sum");
      expect_same_bits(actual.out, expected.out, "out");
      expect_same_bits(actual.dq, expected.dq, "dq");
      expect_same_bits(actual.dk, expected.dk, "dk");
      expect_same_bits(actual.dv, expected.dv, "dv");
    });
  }
}

TEST(Attention, APrefixHasTheBitsItHasInTheWholeSequence) {
  const Shape whole{1, 120, 2, 16}, prefix{1, 77, 2, 16};
  const Inputs in = random_inputs(whole);
  for_each_target([&] {
    const reference::Attention all = run(whole, in), part = run(prefix, in);
    expect_same_bits(part.out, Floats(all.out.begin(), all.out.begin() + prefix.size()), "out");
  });
}

TEST(Attention, LaterPositionsNeverReachEarlierOutputs) {
  const Shape s{1, 64, 1, 8};
  Inputs in = random_inputs(s);
  for_each_target([&] {
    const Floats before = run(s, in).out;
    Inputs changed = in;
    for (Index i = 40 * 8; i < s.size(); ++i) changed.k[i] = changed.v[i] = INFINITY;
    const Floats after = run(s, changed).out;
    expect_same_bits(Floats(after.begin(), after.begin() + 40 * 8), Floats(before.begin(), before.begin() + 40 * 8),
                     "out");
  });
}

/// Binary64 forward: sum(dout * attention(q, k, v)).
double loss(const Shape& s, const Floats& dout, const std::vector<double>& q, const std::vector<double>& k,
            const std::vector<double>& v) {
  double total = 0.0;
  for (Index index = 0; index < s.sequences * s.heads; ++index) {
    const auto at = [&](Index t, Index e) {
      return ((index / s.heads * s.length + t) * s.heads + index % s.heads) * s.dim + e;
    };
    for (Index i = 0; i < s.length; ++i) {
      double sum = 0.0, value = 0.0;
      for (Index j = 0; j <= i; ++j) {
        double dot = 0.0, projected = 0.0;
        for (Index e = 0; e < s.dim; ++e) {
          dot += q[at(i, e)] * k[at(j, e)];
          projected += static_cast<double>(dout[at(i, e)]) * v[at(j, e)];
        }
        const double weight = std::exp(dot * static_cast<double>(s.scale()));
        sum += weight;
        value += weight * projected;
      }
      total += value / sum;
    }
  }
  return total;
}

TEST(Attention, GradientsEqualFiniteDifferences) {
  const Shape s{2, 7, 2, 3};
  const Inputs in = random_inputs(s);
  const std::vector<double> q(in.q.begin(), in.q.end()), k(in.k.begin(), in.k.end()), v(in.v.begin(), in.v.end());
  const reference::Attention r = run(s, in);
  expect_gradient(
      r.dq, in.q, [&](const auto& x) { return loss(s, in.dout, x, k, v); }, 3e-5, "dq");
  expect_gradient(
      r.dk, in.k, [&](const auto& x) { return loss(s, in.dout, q, x, v); }, 3e-5, "dk");
  expect_gradient(
      r.dv, in.v, [&](const auto& x) { return loss(s, in.dout, q, k, x); }, 3e-5, "dv");
}

TEST(Attention, OutputStaysWithinTheBoundOfBinary64) {
  const Shape s{1, 256, 1, 32};
  const Inputs in = random_inputs(s);
  const std::vector<double> q(in.q.begin(), in.q.end()), k(in.k.begin(), in.k.end()), v(in.v.begin(), in.v.end());
  const reference::Attention r = run(s, in);
  for (const Index position : {Index{0}, Index{100}, Index{255}}) {
    for (Index e = 0; e < s.dim; ++e) {
      Floats pick(static_cast<std::size_t>(s.size()));
      pick[position * s.dim + e] = 1.0f;
      EXPECT_NEAR(static_cast<double>(r.out[position * s.dim + e]), loss(s, pick, q, k, v), 2e-5);
    }
  }
}

}  // namespace
}  // namespace reprise::numerics
