#include "loss_tree.h"

#include <gtest/gtest.h>

#include <vector>

namespace reprise::train {
namespace {

TEST(LossTree, AddsTokensFromLeftToRight) {
  // 1 + 2^53 rounds to 2^53, so another order gives another sum.
  EXPECT_EQ(sum_in_order(std::vector<float>{0x1p53f, 1.0f, 1.0f}), 0x1p53);
  EXPECT_EQ(sum_in_order(std::vector<float>{1.0f, 1.0f, 0x1p53f}), 0x1p53 + 2);
}

TEST(LossTree, SplitsAtTheLargestPowerOfTwoBelowTheSize) {
  const double big = 0x1p53;
  // Six leaves: ((0 1) (2 3)) (4 5). Three: (0 1) 2.
  EXPECT_EQ(sum_by_tree(std::vector<double>{big, 1, 0, 0, 1, 1}), big + 2);
  EXPECT_EQ(sum_by_tree(std::vector<double>{1, 1, big}), big + 2);
  EXPECT_EQ(sum_by_tree(std::vector<double>{big, 1, 1}), big);
  EXPECT_EQ(sum_by_tree(std::vector<double>{3}), 3);
}

}  // namespace
}  // namespace reprise::train
