#include "bpe_encoder.h"

#include <bit>
#include <limits>
#include <queue>

namespace reprise::data {
namespace {

constexpr std::uint64_t kEmpty = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
/// Up to this many symbols a scan per merge is faster than a heap; beyond it would be quadratic.
constexpr std::size_t kLongestScannedWord = 48;

std::uint64_t hash_of(std::uint64_t packed) {
  packed *= 0x9E3779B97F4A7C15u;
  return packed ^ packed >> 31;
}

/// A possible merge at a place of a long word. It is stale when the symbols there have changed since.
struct Step {
  std::uint32_t rank;
  std::uint32_t place;
  std::uint32_t left;
  std::uint32_t right;
  std::uint32_t product;

  bool operator>(const Step& other) const { return rank != other.rank ? rank > other.rank : place > other.place; }
};

/// A symbol of a long word, linked to the next living ones.
struct Node {
  std::uint32_t id;
  std::uint32_t previous;
  std::uint32_t next;
};

}  // namespace

BpeEncoder::BpeEncoder(const BpeModel& model) : byte_ids_(model.byte_ids) {
  slots_.assign(std::bit_ceil(2 * model.merges.size() + 2), {kEmpty, 0, 0});
  mask_ = slots_.size() - 1;
  for (std::uint32_t rank = 0; rank < model.merges.size(); ++rank) {
    const std::uint64_t packed = model.merges[rank].pair.packed();
    std::uint64_t slot = hash_of(packed) & mask_;
    while (slots_[slot].pair != kEmpty) slot = (slot + 1) & mask_;
    slots_[slot] = {packed, rank, model.merges[rank].product};
  }
}

std::optional<BpeEncoder::Merge> BpeEncoder::find(std::uint32_t left, std::uint32_t right) const {
  const std::uint64_t packed = IdPair{left, right}.packed();
  for (std::uint64_t slot = hash_of(packed) & mask_;; slot = (slot + 1) & mask_) {
    if (slots_[slot].pair == packed) return Merge{slots_[slot].rank, slots_[slot].product};
    if (slots_[slot].pair == kEmpty) return std::nullopt;
  }
}

void BpeEncoder::merge_short(std::vector<std::uint32_t>& symbols) const {
  while (symbols.size() > 1) {
    Merge best{kNone, 0};
    std::size_t place = 0;
    for (std::size_t k = 0; k + 1 < symbols.size(); ++k) {
      const std::optional<Merge> merge = find(symbols[k], symbols[k + 1]);
      if (merge && merge->rank < best.rank) {
        best = *merge;
        place = k;
      }
    }
    if (best.rank == kNone) return;
    symbols[place] = best.product;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

void BpeEncoder::merge_long(std::vector<std::uint32_t>& symbols) const {
  std::vector<Node> nodes;
  nodes.reserve(symbols.size());
  for (std::uint32_t k = 0; k < symbols.size(); ++k) {
    nodes.push_back({symbols[k], k == 0 ? kNone : k - 1, k + 1 < symbols.size() ? k + 1 : kNone});
  }
  std::priority_queue<Step, std::vector<Step>, std::greater<>> steps;
  const auto propose = [&](std::uint32_t place) {
    if (place == kNone || nodes[place].next == kNone) return;
    const std::uint32_t left = nodes[place].id;
    const std::uint32_t right = nodes[nodes[place].next].id;
    if (const std::optional<Merge> merge = find(left, right)) {
      steps.push({merge->rank, place, left, right, merge->product});
    }
  };
  for (std::uint32_t k = 0; k + 1 < nodes.size(); ++k) propose(k);
  while (!steps.empty()) {
    const Step step = steps.top();
    steps.pop();
    Node& node = nodes[step.place];
    if (node.id != step.left || node.next == kNone || nodes[node.next].id != step.right) continue;
    const std::uint32_t gone = node.next;
    node.id = step.product;
    node.next = nodes[gone].next;
    if (node.next != kNone) nodes[node.next].previous = step.place;
    nodes[gone].id = kNone;  // matches no step
    propose(node.previous);
    propose(step.place);
  }
  symbols.clear();
  for (std::uint32_t place = 0; place != kNone; place = nodes[place].next) symbols.push_back(nodes[place].id);
}

void BpeEncoder::encode_word(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (word.empty()) return;
  std::vector<std::uint32_t> symbols;
  symbols.reserve(word.size());
  for (const char byte : word) symbols.push_back(byte_ids_[static_cast<std::uint8_t>(byte)]);
  if (symbols.size() <= kLongestScannedWord) {
    merge_short(symbols);
  } else {
    merge_long(symbols);
  }
  for (const std::uint32_t id : symbols) ids.push_back(static_cast<std::int32_t>(id));
}

}  // namespace reprise::data
