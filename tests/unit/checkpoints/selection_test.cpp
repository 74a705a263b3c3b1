#include "selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace reprise::checkpoints {
namespace {

using ::testing::ElementsAre;

/// Lists the flat positions of the elements of the boxes, in the order of a row-major walk over their union.
std::vector<std::uint64_t> positions(std::span<const std::int64_t> shape, const std::vector<Box>& boxes) {
  std::vector<std::uint64_t> found;
  std::uint64_t total = 1;
  for (const std::int64_t dim : shape) total *= static_cast<std::uint64_t>(dim);
  for (std::uint64_t at = 0; at < total; ++at) {
    std::vector<std::uint64_t> index(shape.size());
    std::uint64_t rest = at;
    for (std::size_t d = shape.size(); d-- > 0;) {
      index[d] = rest % static_cast<std::uint64_t>(shape[d]);
      rest /= static_cast<std::uint64_t>(shape[d]);
    }
    for (const Box& box : boxes) {
      bool inside = true;
      for (std::size_t d = 0; d < shape.size(); ++d) {
        inside = inside && index[d] >= box.start[d] && index[d] < box.start[d] + box.count[d];
      }
      if (inside) found.push_back(at);  // twice when boxes overlap
    }
  }
  return found;
}

TEST(BoxesOfRangeTest, AreHeadRowsAndTailOfAMatrix) {
  const std::vector<std::int64_t> shape{10, 4};
  EXPECT_THAT(boxes_of_range(shape, 6, 33),
              ElementsAre(Box{{1, 2}, {1, 2}}, Box{{2, 0}, {6, 4}}, Box{{8, 0}, {1, 1}}));
}

TEST(BoxesOfRangeTest, AreOneBoxForWholeRowsAndForPartOfOneRow) {
  const std::vector<std::int64_t> shape{10, 4};
  EXPECT_THAT(boxes_of_range(shape, 8, 16), ElementsAre(Box{{2, 0}, {2, 4}}));
  EXPECT_THAT(boxes_of_range(shape, 9, 11), ElementsAre(Box{{2, 1}, {1, 2}}));
}

TEST(BoxesOfRangeTest, AreNothingForAnEmptyRange) {
  const std::vector<std::int64_t> shape{10, 4};
  EXPECT_TRUE(boxes_of_range(shape, 8, 8).empty());
}

TEST(BoxesOfRangeTest, AreExactlyTheRangeForRandomShapes) {
  std::mt19937 random(11);
  for (int round = 0; round < 400; ++round) {
    std::vector<std::int64_t> shape(random() % 4 + 1);
    std::uint64_t total = 1;
    for (std::int64_t& dim : shape) {
      dim = static_cast<std::int64_t>(random() % 6 + 1);
      total *= static_cast<std::uint64_t>(dim);
    }
    const std::uint64_t begin = random() % (total + 1);
    const std::uint64_t end = begin + random() % (total - begin + 1);
    const std::vector<Box> boxes = boxes_of_range(shape, begin, end);
    std::vector<std::uint64_t> expected;
    for (std::uint64_t at = begin; at < end; ++at) expected.push_back(at);
    ASSERT_EQ(positions(shape, boxes), expected);
    ASSERT_LE(boxes.size(), 2 * shape.size() - 1);
  }
}

}  // namespace
}  // namespace reprise::checkpoints
