#pragma once
// The binary tree that adds the gradients of grains (docs/numeric_contract.md): over leaves [begin, end) it splits at
// the largest power of two below the size. Pure index arithmetic plus an adder that follows it.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "reprise/dist/gradient_memory.h"

namespace reprise::dist {

struct LeafRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
  bool operator==(const LeafRange&) const = default;
};

/// Returns where the node over `range` splits: left is [begin, split), right is [split, end). size >= 2.
std::int64_t split_point(LeafRange range);

/// What cuts are weighed by, in any unit of time: computing one leaf, and sending the bytes of one whole gradient. As a
/// rule of thumb `gradient` / `leaf` is 2/3 * (FLOP/s of a rank / bytes/s of its link) / tokens of a leaf, whatever the
/// size of the model (docs/scaling.md). By default sending a gradient takes as long as two leaves.
struct ExchangeCost {
  std::int64_t leaf = 1;
  std::int64_t gradient = 2;
};

/// Returns the contiguous leaves that each rank computes, possibly none: the cuts of the least predicted time among
/// those that give no rank more than most_leaves_of_a_rank(). They decide who adds what, never the sum; all ranks must
/// ask with the same numbers.
std::vector<LeafRange> leaves_of_ranks(std::int64_t num_leaves, int num_ranks, const ExchangeCost& cost = {});

/// Returns the leaves of `rank` with the default cost. Cheap when asked for one rank after the other.
LeafRange leaves_of_rank(std::int64_t num_leaves, int rank, int num_ranks);

/// Returns ceil(num_leaves / num_ranks) and an eighth of it (rounded down) more.
std::int64_t most_leaves_of_a_rank(std::int64_t num_leaves, int num_ranks);

/// Returns the fewest nodes of the tree over `num_leaves` that together are exactly `range`, left to right.
std::vector<LeafRange> maximal_subtrees(std::int64_t num_leaves, LeafRange range);

/// Adds leaf buffers of one rank up to the maximal subtrees of its range, as they arrive, in any order and from any
/// thread. Only siblings are ever added, left + right, so the sums do not depend on the order of arrival.
///
/// Buffers alive at once, those being filled by T threads included: at most T * (D + 1) + P when leaves are handed out
/// in ascending order (D = depth of the deepest leaf below its maximal subtree, at most ceil(log2 n); P = number of
/// maximal subtrees, at most twice that); at most ceil(n / 2) + P + T in any order, n = range.size(). Buffers go back to
/// their memory, which several adders can share: those of the parts of a gradient, whose blocks are of about one size.
class TreeAdder {
 public:
  using Add = std::function<void(float* left, const float* right, std::int64_t count)>;  // left += right

  TreeAdder(std::int64_t num_leaves, LeafRange range, std::int64_t buffer_elements, Add add,
            std::shared_ptr<GradientMemory> memory = GradientMemory::create());
  ~TreeAdder();

  /// Takes the gradient of `leaf`. Thread-safe; additions run on the calling thread, outside the lock. Returns true from
  /// the call that completed the last sum: finish() has all it needs.
  bool give(std::int64_t leaf, GradientBuffer buffer);
  /// Returns a buffer to fill (contents undefined). Thread-safe.
  GradientBuffer take_buffer();

  struct Partial {
    LeafRange node;
    GradientBuffer buffer;
  };
  /// Returns the partial sums, left to right, once every leaf has been given. The adder starts again empty.
  std::vector<Partial> finish();
  /// The memory its buffers come from.
  const GradientMemory& memory() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Adds partial sums (that cover all leaves, left to right) into the whole tree's sum over `count` elements, into
/// partials[0]; the last steps of the same tree.
void finish_tree(std::int64_t num_leaves, std::span<const LeafRange> nodes, std::span<float* const> partials,
                 std::int64_t count, const TreeAdder::Add& add);

}  // namespace reprise::dist
