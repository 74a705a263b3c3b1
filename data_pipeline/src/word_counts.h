#pragma once
// How often each word occurs. Words live in one arena, so that counting a word that is there allocates nothing.
// Not thread-safe.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

class WordCounts {
 public:
  /// `word` is not empty.
  void add(std::string_view word, std::int64_t count) {
    if (2 * (num_words_ + 1) > slots_.size()) grow();
    Slot& slot = find(word, hash_of(word));
    if (slot.length == 0) insert(slot, word);
    slot.count += count;
  }

  std::size_t num_words() const { return num_words_; }

  /// Calls visit(word, count) for every word, in an order that means nothing.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Slot& slot : slots_) {
      if (slot.length > 0) visit(word_of(slot), slot.count);
    }
  }

 private:
  struct Slot {
    std::uint64_t offset = 0;  // of the word in the arena
    std::uint32_t length = 0;  // 0: the slot is empty
    std::uint32_t hash = 0;    // the upper half
    std::int64_t count = 0;
  };

  static std::uint64_t hash_of(std::string_view word) {
    std::uint64_t hash = word.size();
    const auto mix = [&](std::uint64_t value) {
      hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
      hash ^= hash >> 29;
    };
    while (word.size() >= 8) {
      std::uint64_t value = 0;
      std::memcpy(&value, word.data(), 8);
      mix(value);
      word.remove_prefix(8);
    }
    std::uint64_t value = 0;
    std::memcpy(&value, word.data(), word.size());
    mix(value);
    return hash ^ hash >> 32;
  }

  std::string_view word_of(const Slot& slot) const { return {arena_.data() + slot.offset, slot.length}; }

  Slot& find(std::string_view word, std::uint64_t hash) {
    const std::size_t mask = slots_.size() - 1;
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t place = hash & mask;; place = (place + 1) & mask) {
      Slot& slot = slots_[place];
      if (slot.length == 0 || (slot.hash == tag && word_of(slot) == word)) return slot;
    }
  }

  void insert(Slot& slot, std::string_view word);
  void grow();

  std::vector<Slot> slots_;
  std::string arena_;
  std::size_t num_words_ = 0;
};

}  // namespace reprise::data
