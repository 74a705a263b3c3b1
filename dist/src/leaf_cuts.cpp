// Which leaves each rank computes: cuts that trade the most loaded rank against the bytes that its partial sums cost.
// Integers throughout, so that every rank finds the same cuts.

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <utility>

#include "reprise/core/error.h"
#include "reprise/dist/reduction_tree.h"

namespace reprise::dist {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max() / 4;

struct Bounds {
  std::int64_t leaves = 0;    // of any rank, at most
  std::int64_t subtrees = 0;  // of any rank, at most
};

/// How many maximal subtrees [begin, end) has; maximal_subtrees() lists them. Nodes are blocks of a power of two, at a
/// multiple of their size; the last ones are cut off at `num_leaves`.
std::int64_t count_subtrees(std::int64_t num_leaves, std::int64_t begin, std::int64_t end) {
  std::int64_t count = 0;
  while (begin < end) {
    const auto room = static_cast<std::uint64_t>(end - begin);
    // At the end of the tree a block that starts here is whole however far it would reach.
    std::uint64_t size = end == num_leaves ? std::bit_ceil(room) : std::bit_floor(room);
    if (begin > 0) size = std::min(size, std::uint64_t{1} << std::countr_zero(static_cast<std::uint64_t>(begin)));
    begin = std::min(end, begin + static_cast<std::int64_t>(size));
    ++count;
  }
  return count;
}

/// count_subtrees() of every range of at most `longest` leaves, counted once.
class SubtreeCounts {
 public:
  SubtreeCounts(std::int64_t num_leaves, std::int64_t longest) : num_leaves_(num_leaves), width_(longest + 1) {
    counts_.assign(static_cast<std::size_t>((num_leaves + 1) * width_), 0);
    for (std::int64_t end = 1; end <= num_leaves; ++end) {
      for (std::int64_t size = 1; size <= std::min(longest, end); ++size) {
        counts_[index(end, size)] = static_cast<std::uint8_t>(count_subtrees(num_leaves, end - size, end));
      }
    }
  }

  std::int64_t num_leaves() const { return num_leaves_; }
  std::int64_t of(std::int64_t begin, std::int64_t end) const { return counts_[index(end, end - begin)]; }

 private:
  std::size_t index(std::int64_t end, std::int64_t size) const { return static_cast<std::size_t>(end * width_ + size); }

  std::int64_t num_leaves_;
  std::int64_t width_;
  std::vector<std::uint8_t> counts_;
};

/// Whether at most `num_ranks` ranks can take all leaves within `bounds`.
bool suffice(const SubtreeCounts& counts, int num_ranks, Bounds bounds) {
  std::vector<std::int64_t> fewest_ranks{0};
  for (std::int64_t end = 1; end <= counts.num_leaves(); ++end) {
    std::int64_t fewest = kNever;
    for (std::int64_t begin = std::max<std::int64_t>(0, end - bounds.leaves); begin < end; ++begin) {
      if (counts.of(begin, end) > bounds.subtrees) continue;
      fewest = std::min(fewest, fewest_ranks[static_cast<std::size_t>(begin)] + 1);
    }
    fewest_ranks.push_back(fewest);
  }
  return fewest_ranks.back() <= num_ranks;
}

/// The fewest subtrees per rank that allow cuts with at most `leaves` per rank, searched below `known`, which do.
std::int64_t fewest_subtrees(const SubtreeCounts& counts, int num_ranks, std::int64_t leaves, std::int64_t known) {
  while (known > 1 && suffice(counts, num_ranks, {leaves, known - 1})) --known;
  return known;
}

/// The bounds of the least predicted time, by the units of ExchangeCost: the most loaded rank computes, and then sends
/// each of its partial sums and its share of the weights, (R - 1) / R of a gradient each.
Bounds best_bounds(const SubtreeCounts& counts, int num_ranks, std::int64_t fewest, std::int64_t most,
                   const ExchangeCost& cost) {
  const auto predicted = [&](Bounds bounds) {
    return bounds.leaves * cost.leaf * num_ranks + (bounds.subtrees + 1) * cost.gradient * (num_ranks - 1);
  };
  const auto any = static_cast<std::int64_t>(2 * std::bit_width(static_cast<std::uint64_t>(counts.num_leaves())));
  Bounds bounds{fewest, fewest_subtrees(counts, num_ranks, fewest, any)};
  Bounds best = bounds;
  const std::int64_t goal = fewest_subtrees(counts, num_ranks, most, bounds.subtrees);
  while (bounds.subtrees > goal) {
    // The fewest leaves that save one more subtree: what lies between costs time and saves none.
    std::int64_t too_few = bounds.leaves;
    std::int64_t enough = most;
    while (enough - too_few > 1) {
      const std::int64_t middle = (too_few + enough) / 2;
      (suffice(counts, num_ranks, {middle, bounds.subtrees - 1}) ? enough : too_few) = middle;
    }
    bounds = {enough, fewest_subtrees(counts, num_ranks, enough, bounds.subtrees - 1)};
    if (predicted(bounds) < predicted(best)) best = bounds;
  }
  return best;
}

/// Where one rank can end so that the ranks before it can take all leaves before, and those behind it all behind.
struct Ends {
  std::int64_t first = 0;
  std::vector<std::int64_t> subtrees;  // the fewest of the ranks so far
  std::vector<std::uint16_t> leaves;   // of this rank, with these

  std::int64_t last() const { return first + std::ssize(subtrees) - 1; }
};

Ends ends_behind(const Ends& before, std::int64_t first, std::int64_t last, const SubtreeCounts& counts,
                 Bounds bounds) {
  const auto count = static_cast<std::size_t>(last - first + 1);
  Ends ends{first, std::vector<std::int64_t>(count, kNever), std::vector<std::uint16_t>(count)};
  for (std::int64_t end = first; end <= last; ++end) {
    const auto here = static_cast<std::size_t>(end - first);
    const std::int64_t last_begin = std::min(end, before.last());
    for (std::int64_t begin = std::max(before.first, end - bounds.leaves); begin <= last_begin; ++begin) {
      const std::int64_t added = counts.of(begin, end);
      const std::int64_t sum = before.subtrees[static_cast<std::size_t>(begin - before.first)] + added;
      if (added > bounds.subtrees || sum >= ends.subtrees[here]) continue;
      ends.subtrees[here] = sum;
      ends.leaves[here] = static_cast<std::uint16_t>(end - begin);
    }
  }
  return ends;
}

/// Within `bounds`, the cuts with the fewest subtrees in all; of several, those whose last ranks have the most leaves.
std::vector<std::int64_t> cuts_within(const SubtreeCounts& counts, int num_ranks, Bounds bounds) {
  const std::int64_t num_leaves = counts.num_leaves();
  REPRISE_CHECK(bounds.leaves <= std::numeric_limits<std::uint16_t>::max());
  std::vector<Ends> ranks{{0, {0}, {0}}};  // before the first
  for (std::int64_t rank = 1; rank <= num_ranks; ++rank) {
    const std::int64_t first = std::max<std::int64_t>(0, num_leaves - (num_ranks - rank) * bounds.leaves);
    const std::int64_t last = std::min(num_leaves, rank * bounds.leaves);
    ranks.push_back(ends_behind(ranks.back(), first, last, counts, bounds));
    ranks[ranks.size() - 2].subtrees = {};
  }
  REPRISE_CHECK(ranks.back().subtrees.back() < kNever);
  std::vector<std::int64_t> cuts{num_leaves};
  for (std::size_t rank = ranks.size(); rank-- > 1;) {
    cuts.push_back(cuts.back() - ranks[rank].leaves[static_cast<std::size_t>(cuts.back() - ranks[rank].first)]);
  }
  std::reverse(cuts.begin(), cuts.end());
  return cuts;
}

/// Leaves that stay together, a power of two, so that the search, which takes the square of their number for each rank,
/// stays short. Cuts between such blocks cut no small subtree; a rank has 32 blocks or more, or blocks of one leaf.
std::int64_t leaves_of_a_block(std::int64_t num_leaves, int num_ranks) {
  constexpr std::int64_t kMostCounts = std::int64_t{1} << 20;
  const std::int64_t fair = num_leaves / num_ranks;
  std::int64_t block = 1;
  while (block * 64 <= fair && num_leaves / block * (fair / block) > kMostCounts) block *= 2;
  return block;
}

}  // namespace

std::int64_t most_leaves_of_a_rank(std::int64_t num_leaves, int num_ranks) {
  REPRISE_CHECK(num_leaves >= 0 && num_ranks >= 1);
  const std::int64_t fair = (num_leaves + num_ranks - 1) / num_ranks;
  return fair + fair / 8;
}

std::vector<LeafRange> leaves_of_ranks(std::int64_t num_leaves, int num_ranks, const ExchangeCost& cost) {
  REPRISE_CHECK(cost.leaf >= 0 && cost.gradient >= 0);
  const std::int64_t most = std::min(num_leaves, most_leaves_of_a_rank(num_leaves, num_ranks));
  if (num_ranks == 1) return {{0, num_leaves}};
  const std::int64_t block = leaves_of_a_block(num_leaves, num_ranks);
  const std::int64_t num_blocks = (num_leaves + block - 1) / block;
  const SubtreeCounts counts(num_blocks, most / block);
  const std::int64_t fair = (num_blocks + num_ranks - 1) / num_ranks;
  const Bounds bounds = best_bounds(counts, num_ranks, fair, most / block, {cost.leaf * block, cost.gradient});
  const std::vector<std::int64_t> cuts = cuts_within(counts, num_ranks, bounds);
  std::vector<LeafRange> ranges;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    ranges.push_back({cuts[i] * block, std::min(num_leaves, cuts[i + 1] * block)});
  }
  return ranges;
}

LeafRange leaves_of_rank(std::int64_t num_leaves, int rank, int num_ranks) {
  REPRISE_CHECK(rank >= 0 && rank < num_ranks);
  // Asked for every rank in turn, every step, of the batch and of what a run evaluates.
  thread_local std::map<std::pair<std::int64_t, int>, std::vector<LeafRange>> answers;
  const std::pair question{num_leaves, num_ranks};
  if (const auto known = answers.find(question); known != answers.end()) {
    return known->second[static_cast<std::size_t>(rank)];
  }
  if (answers.size() >= 8) answers.clear();
  return (answers[question] = leaves_of_ranks(num_leaves, num_ranks))[static_cast<std::size_t>(rank)];
}

}  // namespace reprise::dist
