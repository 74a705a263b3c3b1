#pragma once
// What the kernel tests share: inputs from a fixed seed, a loop over the processor's targets, comparison of bits.

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "reprise/numerics/target.h"

namespace kernel_test {

using Floats = std::vector<float>;

/// Standard normal values; the same on every machine that has the same standard library, which is all a test needs.
inline Floats random_floats(std::uint32_t seed, std::int64_t count, float factor = 1.0f) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Floats values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator) * factor;
  return values;
}

/// Runs `check` on every target of this processor and restores the active one.
inline void for_each_target(const std::function<void()>& check) {
  const auto before = reprise::numerics::active_target();
  for (const auto target : reprise::numerics::available_targets()) {
    reprise::numerics::set_active_target(target);
    SCOPED_TRACE("target " + std::string(reprise::numerics::to_string(target)));
    check();
  }
  reprise::numerics::set_active_target(before);
}

/// Fails with the first index whose bits differ.
inline void expect_same_bits(const Floats& actual, const Floats& expected, const char* what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  std::size_t num_different = 0, first = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::bit_cast<std::uint32_t>(actual[i]) == std::bit_cast<std::uint32_t>(expected[i])) continue;
    if (num_different++ == 0) first = i;
  }
  if (num_different == 0) return;
  ADD_FAILURE() << what << ": " << num_different << " of " << actual.size() << " differ, first at " << first << ": "
                << std::hexfloat << actual[first] << " instead of " << expected[first];
}

/// A buffer that a kernel must overwrite: filled with a value that would show.
inline Floats to_be_overwritten(std::size_t count) { return Floats(count, -12345.0f); }

/// Compares a gradient with the central difference of `loss` (binary64) in every element of `x`.
inline void expect_gradient(const Floats& gradient, const Floats& x,
                            const std::function<double(const std::vector<double>&)>& loss, double tolerance,
                            const char* what) {
  ASSERT_EQ(gradient.size(), x.size()) << what;
  std::vector<double> point(x.begin(), x.end());
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double before = point[i];
    point[i] = before + kStep;
    const double above = loss(point);
    point[i] = before - kStep;
    const double below = loss(point);
    point[i] = before;
    EXPECT_NEAR(static_cast<double>(gradient[i]), (above - below) / (2 * kStep), tolerance) << what << " at " << i;
  }
}

}  // namespace kernel_test
