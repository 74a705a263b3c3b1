// The matrix is worth what its choice of cells is worth.
#include "cell_design.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace reprise::matrix {
namespace {

// Two different values of each pair of the seven axes 3, 2, 2, 4, 7, 3, 2:
// (23^2 - (9 + 4 + 4 + 16 + 49 + 9 + 4)) / 2 = 217.
constexpr std::size_t kAllPairs = 217;

std::size_t num_names(const std::vector<Cell>& cells) {
  std::set<std::string> names;
  for (const Cell& cell : cells) names.insert(cell.name());
  return names.size();
}

TEST(MatrixDesign, TheFullOneHasMoreThanFiveHundredCellsAndEveryPairOfValues) {
  EXPECT_EQ(full_design().size(), 504u);
  EXPECT_EQ(num_names(full_design()), 504u);
  EXPECT_EQ(pairs_in(full_design()).size(), kAllPairs);
}

TEST(MatrixDesign, TheQuickOneHasEveryPairOfValuesOfItsBuild) {
  const auto targets = {numerics::Target::kPortable, numerics::Target::kAvx2, numerics::Target::kAvx512};
  const std::vector<Cell> cells = quick_design("g++", "-O3", targets);
  // The axes of compiler and optimisation have one value each: (21^2 - (9 + 1 + 1 + 16 + 49 + 9 + 4)) / 2.
  EXPECT_EQ(pairs_in(cells).size(), 176u);
  EXPECT_LT(cells.size(), 40u);
  EXPECT_EQ(cells.front().name(), "g++ -O3 portable threads=1 ranks=1 grains=1 kill=no");
}

TEST(MatrixDesign, TheLargeOneHasTwentyCellsOnVectorInstructions) {
  EXPECT_EQ(num_names(large_design("g++", "-O3")), 20u);
  for (const Cell& cell : large_design("g++", "-O3")) EXPECT_NE(cell.target, numerics::Target::kPortable);
}

}  // namespace
}  // namespace reprise::matrix
