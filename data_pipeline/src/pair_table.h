#pragma once
// The pairs that the trainer knows, by an index: 0, 1, 2, ... in the order in which they are first asked for. What
// belongs to a pair lies beside it, for a look-up waits for memory and for little else.

#include <cstdint>
#include <limits>
#include <vector>

namespace reprise::data {

struct PairEntry {
  std::uint64_t pair;  // packed
  std::int64_t count;
  std::uint32_t gained;  // place in the trainer's list of pairs that gained words in the present round
};

class PairTable {
 public:
  PairTable() : slots_(1 << 12, kEmpty) {}

  /// Index of `pair`; one that is new gets the next index.
  std::uint32_t index_of(std::uint64_t pair) {
    std::size_t place = place_of(pair);
    if (slots_[place] != kEmpty) return slots_[place];
    if (2 * (entries_.size() + 1) > slots_.size()) {
      grow();
      place = place_of(pair);
    }
    slots_[place] = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({pair, 0, 0});
    return slots_[place];
  }

  /// Asks for the slot where the search for `pair` begins.
  void prefetch_slot(std::uint64_t pair) const { __builtin_prefetch(slots_.data() + first_place(pair)); }

  /// Asks for the entry of that slot.
  void prefetch_entry(std::uint64_t pair) const {
    const std::uint32_t index = slots_[first_place(pair)];
    if (index != kEmpty) __builtin_prefetch(entries_.data() + index, 1);
  }

  PairEntry& operator[](std::uint32_t index) { return entries_[index]; }

 private:
  static constexpr std::uint32_t kEmpty = std::numeric_limits<std::uint32_t>::max();

  std::size_t first_place(std::uint64_t pair) const {
    std::uint64_t hash = pair * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
    return hash & (slots_.size() - 1);
  }

  /// The slot that holds `pair`, or the empty one where it would be.
  std::size_t place_of(std::uint64_t pair) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t place = first_place(pair);
    while (slots_[place] != kEmpty && entries_[slots_[place]].pair != pair) place = (place + 1) & mask;
    return place;
  }

  void grow() {
    slots_.assign(4 * slots_.size(), kEmpty);
    for (std::uint32_t index = 0; index < entries_.size(); ++index) slots_[place_of(entries_[index].pair)] = index;
  }

  std::vector<std::uint32_t> slots_;  // open addressing, at most half full
  std::vector<PairEntry> entries_;
};

}  // namespace reprise::data
