#include "bpe_encoder.h"

#include <array>
#include <bit>
#include <limits>
#include <queue>

#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::uint64_t kEmpty = std::numeric_limits<std::uint64_t>::max();
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

BpeEncoder::BpeEncoder(const BpeModel& model) : model_(model) {
  slots_.assign(std::bit_ceil(2 * model.merges.size() + 2), {kEmpty, kNoId, 0});
  mask_ = slots_.size() - 1;
  for (std::uint32_t rank = 0; rank < model.merges.size(); ++rank) {
    const std::uint64_t packed = model.merges[rank].pair.packed();
    std::uint64_t slot = hash_of(packed) & mask_;
    while (slots_[slot].pair != kEmpty) slot = (slot + 1) & mask_;
    slots_[slot] = {packed, rank, model.merges[rank].product};
  }
  if (model.byte_level && !model.ignore_merges) return;
  for (std::uint32_t id = 0; id < model.pieces.size(); ++id) {
    if (!model.pieces[id].empty()) piece_ids_.emplace(model.pieces[id], id);
  }
}

/// The empty slot that ends an unsuccessful search holds rank kNoId.
BpeEncoder::Merge BpeEncoder::find(std::uint32_t left, std::uint32_t right) const {
  const std::uint64_t packed = IdPair{left, right}.packed();
  std::uint64_t slot = hash_of(packed) & mask_;
  while (slots_[slot].pair != packed && slots_[slot].pair != kEmpty) slot = (slot + 1) & mask_;
  return {slots_[slot].rank, slots_[slot].product};
}

std::uint32_t BpeEncoder::piece_id(std::string_view text) const {
  const auto entry = piece_ids_.find(text);
  return entry == piece_ids_.end() ? kNoId : entry->second;
}

/// Returns how many symbols are left. The merge of each neighbourhood is looked up once, and again when it changes.
std::size_t BpeEncoder::merge_short(std::uint32_t* symbols, std::size_t count) const {
  std::array<Merge, kLongestScannedWord> merges;
  for (std::size_t k = 0; k + 1 < count; ++k) merges[k] = find(symbols[k], symbols[k + 1]);
  while (count > 1) {
    std::size_t place = 0;
    for (std::size_t k = 1; k + 1 < count; ++k) {
      if (merges[k].rank < merges[place].rank) place = k;
    }
    if (merges[place].rank == kNoId) break;
    symbols[place] = merges[place].product;
    --count;
    for (std::size_t k = place + 1; k < count; ++k) symbols[k] = symbols[k + 1];
    for (std::size_t k = place + 1; k + 1 < count; ++k) merges[k] = merges[k + 1];
    if (place + 1 < count) merges[place] = find(symbols[place], symbols[place + 1]);
    if (place > 0) merges[place - 1] = find(symbols[place - 1], symbols[place]);
  }
  return count;
}

void BpeEncoder::merge_long(std::vector<std::uint32_t>& symbols) const {
  std::vector<Node> nodes;
  nodes.reserve(symbols.size());
  for (std::uint32_t k = 0; k < symbols.size(); ++k) {
    nodes.push_back({symbols[k], k == 0 ? kNoId : k - 1, k + 1 < symbols.size() ? k + 1 : kNoId});
  }
  std::priority_queue<Step, std::vector<Step>, std::greater<>> steps;
  const auto propose = [&](std::uint32_t place) {
    if (place == kNoId || nodes[place].next == kNoId) return;
    const std::uint32_t left = nodes[place].id;
    const std::uint32_t right = nodes[nodes[place].next].id;
    const Merge merge = find(left, right);
    if (merge.rank != kNoId) steps.push({merge.rank, place, left, right, merge.product});
  };
  for (std::uint32_t k = 0; k + 1 < nodes.size(); ++k) propose(k);
  while (!steps.empty()) {
    const Step step = steps.top();
    steps.pop();
    Node& node = nodes[step.place];
    if (node.id != step.left || node.next == kNoId || nodes[node.next].id != step.right) continue;
    const std::uint32_t gone = node.next;
    node.id = step.product;
    node.next = nodes[gone].next;
    if (node.next != kNoId) nodes[node.next].previous = step.place;
    nodes[gone].id = kNoId;  // matches no step
    propose(node.previous);
    propose(step.place);
  }
  symbols.clear();
  for (std::uint32_t place = 0; place != kNoId; place = nodes[place].next) symbols.push_back(nodes[place].id);
}

void BpeEncoder::encode_bytes(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (word.size() <= kLongestScannedWord) {
    std::array<std::uint32_t, kLongestScannedWord> symbols;
    for (std::size_t k = 0; k < word.size(); ++k) symbols[k] = model_.byte_ids[static_cast<std::uint8_t>(word[k])];
    const std::size_t count = merge_short(symbols.data(), word.size());
    ids.insert(ids.end(), symbols.begin(), symbols.begin() + count);
    return;
  }
  std::vector<std::uint32_t> symbols;
  symbols.reserve(word.size());
  for (const char byte : word) symbols.push_back(model_.byte_ids[static_cast<std::uint8_t>(byte)]);
  merge_long(symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

bool BpeEncoder::has_bytes(std::string_view character) const {
  for (const char byte : character) {
    if (model_.byte_ids[static_cast<std::uint8_t>(byte)] == kNoId) return false;
  }
  return true;
}

/// One unknown symbol for each unknown character, or for each run of them. It is written when the next piece comes, so
/// bytes of a fallback stand before it: the reference's order, which shows only where some bytes have no piece.
std::vector<std::uint32_t> BpeEncoder::symbols_of_characters(std::string_view word) const {
  std::vector<std::uint32_t> symbols;
  bool pending = false;
  const auto flush = [&] {
    if (pending) symbols.push_back(model_.unknown);
    pending = false;
  };
  for (std::size_t position = 0; position < word.size();) {
    const std::string_view character = word.substr(position, decode_character(word, position).num_bytes);
    position += character.size();
    const std::uint32_t id = piece_id(character);
    if (id != kNoId) {
      flush();
      symbols.push_back(id);
    } else if (model_.byte_fallback && has_bytes(character)) {
      for (const char byte : character) symbols.push_back(model_.byte_ids[static_cast<std::uint8_t>(byte)]);
    } else if (model_.unknown != kNoId) {
      if (!model_.fuse_unknown) flush();
      pending = true;
    }
  }
  flush();
  return symbols;
}

void BpeEncoder::encode_word(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (word.empty()) return;
  if (model_.ignore_merges) {
    const std::uint32_t id = piece_id(word);
    if (id != kNoId) {
      ids.push_back(static_cast<std::int32_t>(id));
      return;
    }
  }
  if (model_.byte_level) return encode_bytes(word, ids);
  std::vector<std::uint32_t> symbols = symbols_of_characters(word);
  if (symbols.size() <= kLongestScannedWord) {
    symbols.resize(merge_short(symbols.data(), symbols.size()));
  } else {
    merge_long(symbols);
  }
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

}  // namespace reprise::data
