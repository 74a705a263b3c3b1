// TreeAdder: a table of the nodes below the maximal subtrees of one rank's range. A buffer that arrives climbs as long
// as its sibling is already there; the one that finds its sibling missing is parked at its node.

#include <algorithm>
#include <mutex>
#include <utility>

#include "reprise/core/error.h"
#include "reprise/dist/reduction_tree.h"

namespace reprise::dist {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

struct Node {
  LeafRange range;
  std::size_t parent = kNone;   // kNone: a maximal subtree, the end of the climb
  std::size_t sibling = kNone;
  bool is_left = true;
  bool given = false;           // leaves only: refuses a second buffer
  GradientBuffer parked;
};

}  // namespace

struct TreeAdder::State {
  std::int64_t num_leaves = 0;
  LeafRange range;
  std::int64_t elements = 0;
  Add add;
  std::vector<Node> nodes;
  std::vector<std::size_t> node_of_leaf;   // by leaf - range.begin
  std::vector<std::size_t> roots;          // maximal subtrees, left to right

  std::shared_ptr<GradientMemory> memory;

  std::mutex mutex;                        // guards what follows, and Node::given and Node::parked
  std::size_t sums_missing = 0;            // roots without their sum

  std::size_t add_nodes(LeafRange node_range, std::size_t parent, bool is_left);
  enum class Climb { kParked, kParkedLast, kSibling };
  Climb park_or_take_sibling(std::size_t node, GradientBuffer& buffer, GradientBuffer& sibling);
};

std::size_t TreeAdder::State::add_nodes(LeafRange node_range, std::size_t parent, bool is_left) {
  const std::size_t index = nodes.size();
  nodes.emplace_back();
  nodes[index].range = node_range;
  nodes[index].parent = parent;
  nodes[index].is_left = is_left;
  if (node_range.size() == 1) {
    node_of_leaf[static_cast<std::size_t>(node_range.begin - range.begin)] = index;
    return index;
  }
  const std::int64_t split = split_point(node_range);
  const std::size_t left = add_nodes({node_range.begin, split}, index, true);
  const std::size_t right = add_nodes({split, node_range.end}, index, false);
  nodes[left].sibling = right;
  nodes[right].sibling = left;
  return index;
}

/// Takes the sibling's sum when it is there; else leaves `buffer` at the node for the sibling to find, or as a result.
TreeAdder::State::Climb TreeAdder::State::park_or_take_sibling(std::size_t node, GradientBuffer& buffer,
                                                               GradientBuffer& sibling) {
  const std::lock_guard lock(mutex);
  Node& here = nodes[node];
  if (here.parent != kNone && nodes[here.sibling].parked) {
    sibling = std::move(nodes[here.sibling].parked);
    return Climb::kSibling;
  }
  here.parked = std::move(buffer);
  return here.parent == kNone && --sums_missing == 0 ? Climb::kParkedLast : Climb::kParked;
}

TreeAdder::TreeAdder(std::int64_t num_leaves, LeafRange range, std::int64_t buffer_elements, Add add,
                     std::shared_ptr<GradientMemory> memory)
    : state_(std::make_unique<State>()) {
  REPRISE_CHECK(buffer_elements >= 0);
  state_->num_leaves = num_leaves;
  state_->range = range;
  state_->elements = buffer_elements;
  state_->add = std::move(add);
  state_->memory = std::move(memory);
  state_->node_of_leaf.resize(static_cast<std::size_t>(range.size()));
  for (const LeafRange& root : maximal_subtrees(num_leaves, range)) {
    state_->roots.push_back(state_->add_nodes(root, kNone, true));
  }
  state_->sums_missing = state_->roots.size();
}

TreeAdder::~TreeAdder() = default;

bool TreeAdder::give(std::int64_t leaf, GradientBuffer buffer) {
  REPRISE_CHECK(leaf >= state_->range.begin && leaf < state_->range.end);
  REPRISE_CHECK(buffer != nullptr);
  std::size_t node = state_->node_of_leaf[static_cast<std::size_t>(leaf - state_->range.begin)];
  {
    const std::lock_guard lock(state_->mutex);
    REPRISE_CHECK(!state_->nodes[node].given);
    state_->nodes[node].given = true;
  }
  while (true) {
    GradientBuffer sibling;
    const State::Climb climb = state_->park_or_take_sibling(node, buffer, sibling);
    if (climb != State::Climb::kSibling) return climb == State::Climb::kParkedLast;
    const bool is_left = state_->nodes[node].is_left;
    GradientBuffer left = std::move(is_left ? buffer : sibling);
    const GradientBuffer right = std::move(is_left ? sibling : buffer);
    state_->add(left.get(), right.get(), state_->elements);
    buffer = std::move(left);
    node = state_->nodes[node].parent;
  }
}

GradientBuffer TreeAdder::take_buffer() { return state_->memory->take(state_->elements); }

std::vector<TreeAdder::Partial> TreeAdder::finish() {
  const std::lock_guard lock(state_->mutex);
  for (const std::size_t root : state_->roots) REPRISE_CHECK(state_->nodes[root].parked != nullptr);
  std::vector<Partial> partials;
  for (const std::size_t root : state_->roots) {
    partials.push_back({state_->nodes[root].range, std::move(state_->nodes[root].parked)});
  }
  for (Node& node : state_->nodes) node.given = false;
  state_->sums_missing = state_->roots.size();
  return partials;
}

const GradientMemory& TreeAdder::memory() const { return *state_->memory; }

}  // namespace reprise::dist
