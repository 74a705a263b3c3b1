#include "reprise/dist/reduction_tree.h"

#include <bit>

#include "reprise/core/error.h"

namespace reprise::dist {
namespace {

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
