#pragma once
// How often each word occurs. Short words lie in the table itself, long ones in a map. Not thread-safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "short_word.h"

namespace reprise::data {

class WordCounts {
 public:
  /// `word` is not empty.
  void add(std::string_view word, std::int64_t count) {
    if (word.size() > ShortWord::kMaxBytes) return add_long(word, count);
    if (2 * (num_short_ + 1) > slots_.size()) grow();
    const ShortWord key = ShortWord::of(word);
    Slot& slot = find(key);
    num_short_ += slot.key.empty() ? 1 : 0;
    slot.key = key;
    slot.count += count;
  }

  std::size_t num_words() const { return num_short_ + long_words_.size(); }

  /// Calls visit(word, count) for every word, in an order that means nothing.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    char bytes[16];
    for (const Slot& slot : slots_) {
      if (slot.key.empty()) continue;
      slot.key.write(bytes);
      visit(std::string_view(bytes, slot.key.size()), slot.count);
    }
    for (const auto& [word, count] : long_words_) visit(std::string_view(word), count);
  }

 private:
  struct Slot {
    ShortWord key;
    std::int64_t count = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  /// The slot that holds the word, or the empty one where it would be.
  Slot& find(const ShortWord& key) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t place = key.hash() & mask;
    while (!slots_[place].key.empty() && !(slots_[place].key == key)) place = (place + 1) & mask;
    return slots_[place];
  }

  void add_long(std::string_view word, std::int64_t count);
  void grow();

  std::vector<Slot> slots_;  // open addressing, at most half full
  std::size_t num_short_ = 0;
  std::unordered_map<std::string, std::int64_t, TextHash, std::equal_to<>> long_words_;
};

}  // namespace reprise::data
