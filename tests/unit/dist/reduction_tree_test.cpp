// Properties of the tree over grains: whoever computes which leaf, in whatever order, the bits of the sum are those of
// the plain recursion of docs/numeric_contract.md.

#include "reprise/dist/reduction_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "reprise/core/error.h"

namespace reprise::dist {
namespace {

using ::testing::ElementsAre;
using Values = std::vector<float>;

constexpr std::int64_t kElements = 5;

void add_floats(float* left, const float* right, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) left[i] += right[i];
}

/// Gradients whose sum depends on the order of addition: magnitudes over 2^40, both signs.
std::vector<Values> make_leaves(std::int64_t count, std::mt19937& random) {
  std::vector<Values> leaves(static_cast<std::size_t>(count), Values(kElements));
  for (Values& leaf : leaves) {
    for (float& value : leaf) {
      const auto exponent = static_cast<int>(random() % 40) - 20;
      value = std::ldexp(static_cast<float>(random() % 100000) / 50000.0f - 1.0f, exponent);
    }
  }
  return leaves;
}

/// The definition, written apart from the code under test: split at the largest power of two below the size.
Values reference_sum(const std::vector<Values>& leaves, std::size_t begin, std::size_t end) {
  if (end - begin == 1) return leaves[begin];
  std::size_t half = 1;
  while (half * 2 < end - begin) half *= 2;
  Values left = reference_sum(leaves, begin, begin + half);
  const Values right = reference_sum(leaves, begin + half, end);
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = left[i] + right[i];
  return left;
}

std::vector<std::uint32_t> bits(const float* values) {
  std::vector<std::uint32_t> result;
  for (std::int64_t i = 0; i < kElements; ++i) result.push_back(std::bit_cast<std::uint32_t>(values[i]));
  return result;
}

void give_all(TreeAdder& adder, const std::vector<Values>& leaves, const std::vector<std::int64_t>& order,
              int num_threads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < num_threads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = static_cast<std::size_t>(t); i < order.size(); i += static_cast<std::size_t>(num_threads)) {
        GradientBuffer buffer = adder.take_buffer();
        std::memcpy(buffer.get(), leaves[static_cast<std::size_t>(order[i])].data(), kElements * sizeof(float));
        adder.give(order[i], std::move(buffer));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

std::int64_t most_buffers(const TreeAdder& adder) {
  return adder.memory().peak_bytes() / static_cast<std::int64_t>(kElements * sizeof(float));
}

std::vector<std::int64_t> shuffled(LeafRange range, std::mt19937& random) {
  std::vector<std::int64_t> order;
  for (std::int64_t leaf = range.begin; leaf < range.end; ++leaf) order.push_back(leaf);
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

TEST(TreeAdderTest, GivesTheBitsOfTheRecursionForAnyRanksOrderAndThreads) {
  std::mt19937 random(20260101);
  for (int round = 0; round < 300; ++round) {
    const auto num_leaves = static_cast<std::int64_t>(random() % 64 + 1);
    const int num_ranks = static_cast<int>(random() % static_cast<unsigned>(num_leaves + 3) + 1);
    const std::vector<Values> leaves = make_leaves(num_leaves, random);
    std::vector<LeafRange> nodes;
    std::vector<GradientBuffer> buffers;
    for (int rank = 0; rank < num_ranks; ++rank) {
      const LeafRange range = leaves_of_rank(num_leaves, rank, num_ranks);
      TreeAdder adder(num_leaves, range, kElements, add_floats);
      give_all(adder, leaves, shuffled(range, random), static_cast<int>(random() % 4 + 1));
      for (TreeAdder::Partial& partial : adder.finish()) {
        nodes.push_back(partial.node);
        buffers.push_back(std::move(partial.buffer));
      }
    }
    std::vector<float*> pointers;
    for (GradientBuffer& buffer : buffers) pointers.push_back(buffer.get());
    finish_tree(num_leaves, nodes, pointers, kElements, add_floats);
    const Values expected = reference_sum(leaves, 0, leaves.size());
    ASSERT_EQ(bits(pointers[0]), bits(expected.data())) << num_leaves << " leaves, " << num_ranks << " ranks";
  }
}

TEST(TreeAdderTest, OrderOfAdditionMattersForTheValuesOfTheseTests) {
  std::mt19937 random(7);
  const std::vector<Values> leaves = make_leaves(64, random);
  Values sequential = leaves[0];
  for (std::size_t i = 1; i < leaves.size(); ++i) add_floats(sequential.data(), leaves[i].data(), kElements);
  EXPECT_NE(bits(sequential.data()), bits(reference_sum(leaves, 0, 64).data()));
}

TEST(TreeAdderTest, StartsAgainEmptyAndReusesItsBuffers) {
  std::mt19937 random(8);
  TreeAdder adder(6, {0, 6}, kElements, add_floats);
  std::int64_t made = 0;
  for (int step = 0; step < 3; ++step) {
    const std::vector<Values> leaves = make_leaves(6, random);
    give_all(adder, leaves, {0, 1, 2, 3, 4, 5}, 1);
    std::vector<TreeAdder::Partial> partials = adder.finish();
    ASSERT_EQ(partials.size(), 1u);
    EXPECT_EQ(bits(partials[0].buffer.get()), bits(reference_sum(leaves, 0, 6).data()));
    partials.clear();
    if (step == 0) made = most_buffers(adder);
  }
  EXPECT_EQ(most_buffers(adder), made);
}

TEST(TreeAdderTest, HoldsFewBuffersWhenLeavesComeInOrder) {
  std::mt19937 random(9);
  for (std::int64_t num_leaves = 1; num_leaves <= 64; ++num_leaves) {
    TreeAdder adder(num_leaves, {0, num_leaves}, kElements, add_floats);
    std::vector<std::int64_t> order;
    for (std::int64_t leaf = 0; leaf < num_leaves; ++leaf) order.push_back(leaf);
    give_all(adder, make_leaves(num_leaves, random), order, 1);
    const auto depth = static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(num_leaves - 1)));
    EXPECT_LE(most_buffers(adder), depth + 1) << num_leaves;
  }
}

TEST(TreeAdderTest, KeepsToItsBoundForAnyOrderAndAnyThreads) {
  std::mt19937 random(10);
  for (int round = 0; round < 200; ++round) {
    const auto num_leaves = static_cast<std::int64_t>(random() % 64 + 1);
    const int num_ranks = static_cast<int>(random() % 4 + 1);
    const LeafRange range = leaves_of_rank(num_leaves, 0, num_ranks);
    const int num_threads = static_cast<int>(random() % 3 + 1);
    TreeAdder adder(num_leaves, range, kElements, add_floats);
    give_all(adder, make_leaves(num_leaves, random), shuffled(range, random), num_threads);
    const auto roots = static_cast<std::int64_t>(maximal_subtrees(num_leaves, range).size());
    EXPECT_LE(most_buffers(adder), (range.size() + 1) / 2 + roots + num_threads);
  }
}

TEST(TreeAdderTest, SaysWithWhichLeafItsSumsAreComplete) {
  std::mt19937 random(11);
  for (const LeafRange range : {LeafRange{0, 8}, {2, 7}, {5, 6}}) {
    TreeAdder adder(8, range, kElements, add_floats);
    for (int step = 0; step < 2; ++step) {
      const std::vector<std::int64_t> order = shuffled(range, random);
      for (const std::int64_t leaf : order) {
        GradientBuffer buffer = adder.take_buffer();
        std::fill_n(buffer.get(), kElements, 0.0f);
        EXPECT_EQ(adder.give(leaf, std::move(buffer)), leaf == order.back());
      }
      adder.finish();
    }
  }
}

TEST(TreeAdderTest, SharesItsMemoryWithTheAddersOfOtherParts) {
  const std::shared_ptr<GradientMemory> memory = GradientMemory::create();
  for (int part = 0; part < 3; ++part) {
    TreeAdder adder(2, {0, 2}, kElements, add_floats, memory);
    for (std::int64_t leaf = 0; leaf < 2; ++leaf) {
      GradientBuffer buffer = adder.take_buffer();
      std::fill_n(buffer.get(), kElements, 1.0f);
      adder.give(leaf, std::move(buffer));
    }
    EXPECT_EQ(adder.finish()[0].buffer[0], 2.0f);
  }
  EXPECT_EQ(memory->peak_bytes(), static_cast<std::int64_t>(2 * kElements * sizeof(float)));
}

TEST(TreeAdderTest, RefusesALeafTwiceAndALeafOfAnotherRank) {
  TreeAdder adder(8, {2, 5}, kElements, add_floats);
  adder.give(3, adder.take_buffer());
  EXPECT_THROW(adder.give(3, adder.take_buffer()), Error);
  EXPECT_THROW(adder.give(5, adder.take_buffer()), Error);
  EXPECT_THROW(adder.finish(), Error);
}

TEST(SplitPointTest, IsTheLargestPowerOfTwoBelowTheSize) {
  EXPECT_EQ(split_point({0, 2}), 1);
  EXPECT_EQ(split_point({0, 3}), 2);
  EXPECT_EQ(split_point({0, 8}), 4);
  EXPECT_EQ(split_point({8, 13}), 12);
  EXPECT_THROW(split_point({4, 5}), Error);
}

TEST(MaximalSubtreesTest, AreTheFewestNodesThatCoverTheRange) {
  EXPECT_THAT(maximal_subtrees(8, {0, 8}), ElementsAre(LeafRange{0, 8}));
  EXPECT_THAT(maximal_subtrees(8, {1, 7}), ElementsAre(LeafRange{1, 2}, LeafRange{2, 4}, LeafRange{4, 6}, LeafRange{6, 7}));
  EXPECT_THAT(maximal_subtrees(5, {2, 5}), ElementsAre(LeafRange{2, 4}, LeafRange{4, 5}));
  EXPECT_THAT(maximal_subtrees(5, {3, 3}), ElementsAre());
}

TEST(FinishTreeTest, RefusesNodesThatDoNotCoverTheTree) {
  float a[kElements] = {};
  float b[kElements] = {};
  const std::vector<float*> partials{a, b};
  const std::vector<LeafRange> gap{{0, 2}, {3, 4}};
  const std::vector<LeafRange> no_node{{0, 3}, {3, 4}};
  EXPECT_THROW(finish_tree(4, gap, partials, kElements, add_floats), Error);
  EXPECT_THROW(finish_tree(4, no_node, partials, kElements, add_floats), Error);
}

}  // namespace
}  // namespace reprise::dist
