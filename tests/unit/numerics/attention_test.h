#pragma once
// What the attention tests share: inputs, a run of the kernels on one case, and a binary64 model of the whole operator.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernel_test.h"
#include "reference/attention.h"
#include "reprise/numerics/attention.h"

namespace attention_test {

using kernel_test::Floats;
using Index = std::int64_t;
using Doubles = std::vector<double>;
using reference::AttentionCase;

inline float scale_of(Index dim) { return static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim))); }

/// Plain causal attention.
inline AttentionCase plain_case(Index sequences, Index length, Index heads, Index dim) {
  return {sequences, length, heads, heads, dim, scale_of(dim)};
}

inline Index query_size(const AttentionCase& c) { return c.sequences * c.length * c.heads * c.dim; }
inline Index key_size(const AttentionCase& c) { return c.sequences * c.length * c.kv_heads * c.dim; }

struct Inputs {
  Floats q, k, v, dout;
};

inline Inputs random_inputs(const AttentionCase& c) {
  using kernel_test::random_floats;
  return {random_floats(1, query_size(c), 2.0f), random_floats(2, key_size(c), 2.0f), random_floats(3, key_size(c)),
          random_floats(4, query_size(c))};
}

inline reprise::numerics::AttentionOptions options_of(const AttentionCase& c) {
  return {c.scale, c.window, c.softcap, c.slopes.empty() ? nullptr : c.slopes.data(),
          c.document_starts.empty() ? nullptr : c.document_starts.data()};
}

/// Runs the kernels forward and backward.
inline reference::Attention run(const AttentionCase& c, const Inputs& in) {
  using kernel_test::to_be_overwritten;
  const auto rows = static_cast<std::size_t>(c.sequences * c.length * c.heads);
  const auto size = static_cast<std::size_t>(query_size(c)), keys = static_cast<std::size_t>(key_size(c));
  reference::Attention r{to_be_overwritten(size), to_be_overwritten(rows), to_be_overwritten(rows),
                         to_be_overwritten(size), to_be_overwritten(keys), to_be_overwritten(keys)};
  const reprise::numerics::AttentionShape shape{c.sequences, c.length, c.heads, c.kv_heads, c.dim};
  attention_forward(shape, options_of(c), in.q.data(), in.k.data(), in.v.data(), r.out.data(), r.row_max.data(),
                    r.row_sum.data());
  attention_backward(shape, options_of(c), in.q.data(), in.k.data(), in.v.data(), r.out.data(), r.row_max.data(),
                     r.row_sum.data(), in.dout.data(), r.dq.data(), r.dk.data(), r.dv.data());
  return r;
}

inline void expect_same_results(const reference::Attention& actual, const reference::Attention& expected) {
  using kernel_test::expect_same_bits;
  expect_same_bits(actual.row_max, expected.row_max, "row_max");
  expect_same_bits(actual.row_sum, expected.row_sum, "row_sum");
  expect_same_bits(actual.out, expected.out, "out");
  expect_same_bits(actual.dq, expected.dq, "dq");
  expect_same_bits(actual.dk, expected.dk, "dk");
  expect_same_bits(actual.dv, expected.dv, "dv");
}

/// sum(dout * attention(q, k, v)) in binary64: the textbook formulas, nothing of the contract.
inline double loss(const AttentionCase& c, const Floats& dout, const Doubles& q, const Doubles& k, const Doubles& v) {
  double total = 0.0;
  for (Index row = 0; row < c.sequences * c.length * c.heads; ++row) {
    const Index head = row % c.heads, i = row / c.heads % c.length, sequence = row / c.heads / c.length;
    double sum = 0.0, value = 0.0;
    for (Index j = c.first_key(sequence, i); j <= i; ++j) {
      const Index key = ((sequence * c.length + j) * c.kv_heads + head * c.kv_heads / c.heads) * c.dim;
      double score = 0.0, projected = 0.0;
      for (Index e = 0; e < c.dim; ++e) {
        score += q[row * c.dim + e] * k[key + e];
        projected += static_cast<double>(dout[row * c.dim + e]) * v[key + e];
      }
      score *= static_cast<double>(c.scale);
      const auto cap = static_cast<double>(c.softcap);
      if (c.softcap != 0.0f) score = cap * std::tanh(score / cap);
      if (!c.slopes.empty()) score -= static_cast<double>(c.slopes[head]) * static_cast<double>(i - j);
      const double weight = std::exp(score);
      sum += weight;
      value += weight * projected;
    }
    total += value / sum;
  }
  return total;
}

inline Doubles doubles(const Floats& x) { return Doubles(x.begin(), x.end()); }

/// Compares the three gradients of the kernels with finite differences of `loss`.
inline void expect_gradients(const AttentionCase& c, double tolerance) {
  const Inputs in = random_inputs(c);
  const Doubles q = doubles(in.q), k = doubles(in.k), v = doubles(in.v);
  const reference::Attention r = run(c, in);
  using kernel_test::expect_gradient;
  expect_gradient(
      r.dq, in.q, [&](const auto& x) { return loss(c, in.dout, x, k, v); }, tolerance, "dq");
  expect_gradient(
      r.dk, in.k, [&](const auto& x) { return loss(c, in.dout, q, x, v); }, tolerance, "dk");
  expect_gradient(
      r.dv, in.v, [&](const auto& x) { return loss(c, in.dout, q, k, x); }, tolerance, "dv");
}

/// Compares the output at a few positions with binary64.
inline void expect_outputs_near(const AttentionCase& c, const std::vector<Index>& positions, double bound) {
  const Inputs in = random_inputs(c);
  const Doubles q = doubles(in.q), k = doubles(in.k), v = doubles(in.v);
  const reference::Attention r = run(c, in);
  for (const Index position : positions) {
    for (Index e = 0; e < c.heads * c.dim; ++e) {
      Floats pick(in.q.size());
      const Index at = position * c.heads * c.dim + e;
      pick[at] = 1.0f;
      EXPECT_NEAR(static_cast<double>(r.out[at]), loss(c, pick, q, k, v), bound) << position << ", " << e;
    }
  }
}

}  // namespace attention_test
