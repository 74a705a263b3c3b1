#pragma once
// Gives each packed pair of ids an index: 0, 1, 2, ... in the order in which they are first asked for.

#include <cstdint>
#include <limits>
#include <vector>

namespace reprise::data {

class PairTable {
 public:
  PairTable() : slots_(1 << 12, kEmpty) {}

  /// Index of `pair`; one that is new gets the next index.
  std::uint32_t index_of(std::uint64_t pair) {
    std::size_t place = place_of(pair);
    if (slots_[place] != kEmpty) return slots_[place];
    if (2 * (pairs_.size() + 1) > slots_.size()) {
      grow();
      place = place_of(pair);
    }
    slots_[place] = static_cast<std::uint32_t>(pairs_.size());
    pairs_.push_back(pair);
    return slots_[place];
  }

  std::uint64_t pair_at(std::uint32_t index) const { return pairs_[index]; }

 private:
  static constexpr std::uint32_t kEmpty = std::numeric_limits<std::uint32_t>::max();

  /// The slot that holds `pair`, or the empty one where it would be.
  std::size_t place_of(std::uint64_t pair) const {
    const std::size_t mask = slots_.size() - 1;
    std::uint64_t hash = pair * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
    std::size_t place = hash & mask;
    while (slots_[place] != kEmpty && pairs_[slots_[place]] != pair) place = (place + 1) & mask;
    return place;
  }

  void grow() {
    slots_.assign(4 * slots_.size(), kEmpty);
    for (std::uint32_t index = 0; index < pairs_.size(); ++index) slots_[place_of(pairs_[index])] = index;
  }

  std::vector<std::uint32_t> slots_;  // open addressing, at most half full
  std::vector<std::uint64_t> pairs_;
};

}  // namespace reprise::data
