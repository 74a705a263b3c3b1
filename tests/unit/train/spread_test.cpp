#include "spread.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace reprise::train {
namespace {

std::vector<float> numbers(std::size_t count, float offset) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), offset);
  return values;
}

Spread spread_of(const std::vector<float>& values) {
  SpreadSum sum;
  sum.add(values);
  return sum.result();
}

TEST(Spread, OfTheNumbersFromOneToNHasTheKnownMoments) {
  constexpr double kCount = 10001;  // more than two blocks
  const Spread spread = spread_of(numbers(10001, 1));
  EXPECT_EQ(spread.count, 10001u);
  EXPECT_DOUBLE_EQ(spread.mean, (kCount + 1) / 2);
  EXPECT_NEAR(spread.standard_deviation, std::sqrt((kCount * kCount - 1) / 12), 1e-9);
  EXPECT_NEAR(spread.rms, std::sqrt((kCount + 1) * (2 * kCount + 1) / 6), 1e-9);
  EXPECT_EQ(spread.max_abs, 10001);
}

TEST(Spread, KeepsTheDeviationOfValuesFarFromZero) {
  const Spread near = spread_of(numbers(8192, 0));
  const Spread far = spread_of(numbers(8192, 8388608));  // 2^23: still every whole number
  EXPECT_DOUBLE_EQ(far.standard_deviation, near.standard_deviation);
}

TEST(Spread, OfDifferencesIsThatOfTheDifferences) {
  std::vector<float> after = numbers(5000, 3), before(5000, 2.0f);
  SpreadSum sum;
  sum.add_difference(after, before);
  EXPECT_EQ(sum.result().mean, spread_of(numbers(5000, 1)).mean);
  EXPECT_EQ(sum.result().max_abs, 5000);
}

TEST(Spread, OfTwoPartsIsThatOfTheWhole) {
  SpreadSum first, second;
  first.add(numbers(4096, 0));
  second.add(numbers(4096, 4096));
  first.merge(second);
  const Spread whole = spread_of(numbers(8192, 0));
  EXPECT_EQ(first.result().mean, whole.mean);
  EXPECT_EQ(first.result().standard_deviation, whole.standard_deviation);
  EXPECT_EQ(SpreadSum().result().rms, 0);
}

}  // namespace
}  // namespace reprise::train
