#include "reprise/dist/reduction_tree.h"

#include <algorithm>
#include <bit>

#include "reprise/core/error.h"

namespace reprise::dist {
namespace {

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Returns how far below the root of the tree over `num_leaves` the node is that splits at `cut`; 0 <= cut <= leaves.
std::int64_t depth_of_cut(std::int64_t num_leaves, std::int64_t cut) {
  if (cut == 0 || cut == num_leaves) return -1;
  LeafRange node{0, num_leaves};
  for (std::int64_t depth = 0;; ++depth) {
    const std::int64_t split = split_point(node);
    if (split == cut) return depth;
    node = cut < split ? LeafRange{node.begin, split} : LeafRange{split, node.end};
  }
}

/// Returns num_ranks + 1 cuts. Ranks take their leaves from the left; a rank stops early at a cut that lies high in the
/// tree (fewer partial sums travel), but never so early that the ranks after it would have to take more than the
/// ceiling of leaves / ranks.
std::vector<std::int64_t> aligned_cuts(std::int64_t num_leaves, int num_ranks) {
  const std::int64_t most = ceil_divide(num_leaves, num_ranks);
  std::vector<std::int64_t> cuts{0};
  for (int rank = 0; rank < num_ranks; ++rank) {
    const std::int64_t begin = cuts.back();
    const std::int64_t last = std::min(num_leaves, begin + most);
    const std::int64_t first = std::max(std::min(begin + 1, last), num_leaves - (num_ranks - 1 - rank) * most);
    std::int64_t end = last;
    for (std::int64_t cut = last - 1; cut >= first; --cut) {
      if (depth_of_cut(num_leaves, cut) < depth_of_cut(num_leaves, end)) end = cut;
    }
    cuts.push_back(end);
  }
  return cuts;
}

std::vector<std::int64_t> even_cuts(std::int64_t num_leaves, int num_ranks) {
  std::vector<std::int64_t> cuts;
  for (std::int64_t rank = 0; rank <= num_ranks; ++rank) cuts.push_back(rank * num_leaves / num_ranks);
  return cuts;
}

void collect_subtrees(LeafRange node, LeafRange range, std::vector<LeafRange>& found) {
  if (range.end <= node.begin || node.end <= range.begin) return;
  if (range.begin <= node.begin && node.end <= range.end) {
    found.push_back(node);
    return;
  }
  const std::int64_t split = split_point(node);
  collect_subtrees({node.begin, split}, range, found);
  collect_subtrees({split, node.end}, range, found);
}

std::size_t count_subtrees(std::int64_t num_leaves, const std::vector<std::int64_t>& cuts) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    count += maximal_subtrees(num_leaves, {cuts[i], cuts[i + 1]}).size();
  }
  return count;
}

/// Walks the tree from the root down to the given nodes and adds on the way up. Returns the index of the partial that
/// holds the sum of `node`; `next` is the first partial not yet used.
std::size_t sum_node(LeafRange node, std::span<const LeafRange> nodes, std::span<float* const> partials,
                     std::int64_t count, const TreeAdder::Add& add, std::size_t& next) {
  REPRISE_CHECK(next < nodes.size());
  REPRISE_CHECK_EQ(nodes[next].begin, node.begin);
  if (nodes[next] == node) return next++;
  REPRISE_CHECK(nodes[next].end < node.end);
  const std::int64_t split = split_point(node);
  const std::size_t left = sum_node({node.begin, split}, nodes, partials, count, add, next);
  const std::size_t right = sum_node({split, node.end}, nodes, partials, count, add, next);
  add(partials[left], partials[right], count);
  return left;
}

}  // namespace

std::int64_t split_point(LeafRange range) {
  REPRISE_CHECK(range.size() >= 2);
  return range.begin + static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(range.size() - 1)));
}

LeafRange leaves_of_rank(std::int64_t num_leaves, int rank, int num_ranks) {
  REPRISE_CHECK(num_leaves >= 0 && num_ranks >= 1 && rank >= 0 && rank < num_ranks);
  const std::vector<std::int64_t> aligned = aligned_cuts(num_leaves, num_ranks);
  const std::vector<std::int64_t> even = even_cuts(num_leaves, num_ranks);
  const auto& cuts = count_subtrees(num_leaves, aligned) <= count_subtrees(num_leaves, even) ? aligned : even;
  return {cuts[static_cast<std::size_t>(rank)], cuts[static_cast<std::size_t>(rank) + 1]};
}

std::vector<LeafRange> maximal_subtrees(std::int64_t num_leaves, LeafRange range) {
  REPRISE_CHECK(range.begin >= 0 && range.begin <= range.end && range.end <= num_leaves);
  std::vector<LeafRange> found;
  if (range.size() > 0) collect_subtrees({0, num_leaves}, range, found);
  return found;
}

void finish_tree(std::int64_t num_leaves, std::span<const LeafRange> nodes, std::span<float* const> partials,
                 std::int64_t count, const TreeAdder::Add& add) {
  REPRISE_CHECK(num_leaves >= 1);
  REPRISE_CHECK_EQ(nodes.size(), partials.size());
  std::size_t next = 0;
  const std::size_t sum = sum_node({0, num_leaves}, nodes, partials, count, add, next);
  REPRISE_CHECK_EQ(sum, std::size_t{0});
  REPRISE_CHECK_EQ(next, nodes.size());
}

}  // namespace reprise::dist
