// Which rank computes which leaves: complete, balanced, and with few partial sums to send.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "reprise/core/error.h"
#include "reprise/dist/reduction_tree.h"

namespace reprise::dist {
namespace {

using ::testing::ElementsAre;

std::int64_t ceiling(std::int64_t num_leaves, int num_ranks) { return (num_leaves + num_ranks - 1) / num_ranks; }

std::size_t subtrees(std::int64_t num_leaves, LeafRange range) { return maximal_subtrees(num_leaves, range).size(); }

struct Cuts {
  std::int64_t most_leaves = 0;
  std::size_t most_subtrees = 0;
  std::size_t all_subtrees = 0;
};

Cuts summary(std::int64_t num_leaves, const std::vector<LeafRange>& ranges) {
  Cuts cuts;
  for (const LeafRange& range : ranges) {
    cuts.most_leaves = std::max(cuts.most_leaves, range.size());
    cuts.most_subtrees = std::max(cuts.most_subtrees, subtrees(num_leaves, range));
    cuts.all_subtrees += subtrees(num_leaves, range);
  }
  return cuts;
}

/// Every way to cut `num_leaves` for `num_ranks`, one after the other.
void for_each_cutting(std::int64_t num_leaves, int num_ranks, std::vector<LeafRange>& ranges, const auto& visit) {
  const std::int64_t begin = ranges.empty() ? 0 : ranges.back().end;
  if (static_cast<int>(ranges.size()) + 1 == num_ranks) {
    ranges.push_back({begin, num_leaves});
    visit(ranges);
    ranges.pop_back();
    return;
  }
  for (std::int64_t end = begin; end <= num_leaves; ++end) {
    ranges.push_back({begin, end});
    for_each_cutting(num_leaves, num_ranks, ranges, visit);
    ranges.pop_back();
  }
}

TEST(LeavesOfRankTest, AreContiguousCompleteAndAtMostAnEighthAboveTheCeiling) {
  for (std::int64_t num_leaves = 0; num_leaves <= 64; ++num_leaves) {
    for (int num_ranks = 1; num_ranks <= num_leaves + 3; ++num_ranks) {
      std::int64_t next = 0;
      for (int rank = 0; rank < num_ranks; ++rank) {
        const LeafRange range = leaves_of_rank(num_leaves, rank, num_ranks);
        ASSERT_EQ(range.begin, next);
        ASSERT_GE(range.size(), 0);
        ASSERT_LE(range.size(), ceiling(num_leaves, num_ranks) * 9 / 8) << num_leaves << " on " << num_ranks;
        next = range.end;
      }
      ASSERT_EQ(next, num_leaves) << num_leaves << " on " << num_ranks;
    }
  }
}

TEST(LeavesOfRankTest, AreAtMostTheCeilingWhereThatIsBelowEight) {
  for (std::int64_t num_leaves = 1; num_leaves <= 200; ++num_leaves) {
    const int num_ranks = static_cast<int>(num_leaves / 7 + 1);
    ASSERT_EQ(most_leaves_of_a_rank(num_leaves, num_ranks), ceiling(num_leaves, num_ranks));
    ASSERT_EQ(summary(num_leaves, leaves_of_ranks(num_leaves, num_ranks)).most_leaves, ceiling(num_leaves, num_ranks));
  }
}

TEST(LeavesOfRankTest, AreOneSubtreeEachWhenRanksDivideThem) {
  for (const std::int64_t num_leaves : {16, 64, 256}) {
    for (int num_ranks = 1; num_ranks <= num_leaves; num_ranks *= 2) {
      const Cuts cuts = summary(num_leaves, leaves_of_ranks(num_leaves, num_ranks));
      EXPECT_EQ(cuts.most_subtrees, 1u) << num_leaves << " on " << num_ranks;
      EXPECT_EQ(cuts.most_leaves, num_leaves / num_ranks);
    }
  }
}

// The search is held against all cuts there are.
TEST(LeavesOfRankTest, TakeTheLeastPredictedTimeOfAllCuts) {
  for (const auto& [num_leaves, num_ranks] : {std::pair{64, 3}, {61, 3}, {50, 3}, {32, 2}, {33, 4}, {24, 3}, {9, 4}}) {
    for (const ExchangeCost cost : {ExchangeCost{}, ExchangeCost{8, 1}, ExchangeCost{1, 0}, ExchangeCost{1, 20}}) {
      const auto predicted = [&](const Cuts& cuts) {
        return cuts.most_leaves * cost.leaf * num_ranks +
               (static_cast<std::int64_t>(cuts.most_subtrees) + 1) * cost.gradient * (num_ranks - 1);
      };
      std::int64_t least = INT64_MAX;
      std::vector<LeafRange> ranges;
      for_each_cutting(num_leaves, num_ranks, ranges, [&, leaves = num_leaves, count = num_ranks](const auto& all) {
        const Cuts cuts = summary(leaves, all);
        if (cuts.most_leaves <= most_leaves_of_a_rank(leaves, count)) least = std::min(least, predicted(cuts));
      });
      const Cuts ours = summary(num_leaves, leaves_of_ranks(num_leaves, num_ranks, cost));
      EXPECT_LE(predicted(ours), least) << num_leaves << " on " << num_ranks << " at " << cost.leaf << ":"
                                        << cost.gradient;
    }
  }
}

TEST(LeavesOfRankTest, GiveUpBalanceOnlyWhereTheNetworkIsSlow) {
  const Cuts fast = summary(64, leaves_of_ranks(64, 3, {.leaf = 8, .gradient = 1}));
  EXPECT_EQ(fast.most_leaves, 22);
  EXPECT_EQ(fast.all_subtrees, 9u);
  const Cuts slow = summary(64, leaves_of_ranks(64, 3, {.leaf = 1, .gradient = 2}));
  EXPECT_EQ(slow.most_leaves, 24);
  EXPECT_EQ(slow.all_subtrees, 5u);
  EXPECT_THAT(leaves_of_ranks(64, 3), ElementsAre(LeafRange{0, 16}, LeafRange{16, 40}, LeafRange{40, 64}));
}

TEST(LeavesOfRankTest, AreTheSameForOneRankAsForAll) {
  for (const int num_ranks : {1, 5, 12, 5}) {
    const std::vector<LeafRange> all = leaves_of_ranks(64, num_ranks);
    for (int rank = 0; rank < num_ranks; ++rank) {
      EXPECT_EQ(leaves_of_rank(64, rank, num_ranks), all[static_cast<std::size_t>(rank)]);
    }
  }
  EXPECT_EQ(leaves_of_rank(10, 4, 5), (LeafRange{8, 10}));
  EXPECT_THROW(leaves_of_rank(10, 5, 5), Error);
}

TEST(LeavesOfRankTest, CoverUpToAMillionLeaves) {
  for (const auto& [num_leaves, num_ranks] : {std::pair{1024, 3},
                                              {1024, 1000},
                                              {2048, 96},
                                              {4096, 4096},
                                              {16384, 2},
                                              {100003, 7},
                                              {1 << 20, 1},
                                              {1 << 20, 64}}) {
    std::int64_t next = 0;
    for (const LeafRange& range : leaves_of_ranks(num_leaves, num_ranks)) {
      EXPECT_EQ(range.begin, next);
      EXPECT_LE(range.size(), most_leaves_of_a_rank(num_leaves, num_ranks));
      next = range.end;
    }
    EXPECT_EQ(next, num_leaves);
  }
}

TEST(LeavesOfRankTest, AreFoundForThousandsOfRanksWithoutATableOfAllEnds) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<LeafRange> ranges = leaves_of_ranks(65536, 4096);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));  // 25 s and 2 GB for all ends
  ASSERT_EQ(ranges.size(), 4096u);
  EXPECT_EQ(ranges.front().begin, 0);
  EXPECT_EQ(ranges.back().end, 65536);
}

}  // namespace
}  // namespace reprise::dist
