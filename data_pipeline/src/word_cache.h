#pragma once
// Ids of the words that one thread met lately. Never changes a result; bounded, for text has no bounded vocabulary.
// Not thread-safe: one per thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bpe_encoder.h"
#include "short_word.h"

namespace reprise::data {

class WordCache {
 public:
  /// Forgets everything when another model owned the cache.
  void claim(std::uint64_t owner);

  /// Appends the ids of `word`, as encoder.encode_word does.
  void encode(const BpeEncoder& encoder, std::string_view word, std::vector<std::int32_t>& ids) {
    if (word.size() > ShortWord::kMaxBytes) return encode_long(encoder, word, ids);
    const ShortWord key = ShortWord::of(word);
    Slot* const set = sets_.data() + (key.hash() >> (64 - kSetBits)) * kWays;
    for (std::size_t way = 0; way < kWays; ++way) {
      const Slot& slot = set[way];
      if (slot.key == key) {
        const std::int32_t* const found = slot.count <= kInlineIds ? slot.ids : overflow_.data() + slot.ids[0];
        if (slot.count == 1) {
          ids.push_back(found[0]);
        } else {
          ids.insert(ids.end(), found, found + slot.count);
        }
        if (way > 0) std::swap(set[way], set[way - 1]);  // what is met often moves to the front
        return;
      }
    }
    encode_new(encoder, word, key, set, ids);
  }

 private:
  static constexpr std::size_t kInlineIds = 3;
  static constexpr std::size_t kWays = 4;
  static constexpr int kSetBits = 14;
  static constexpr std::size_t kMaxOverflowIds = std::size_t{1} << 20;
  static constexpr std::size_t kMaxLongWords = std::size_t{1} << 15;
  static constexpr std::size_t kMaxLongWordBytes = 64;

  struct Slot {
    ShortWord key;
    std::int32_t ids[kInlineIds];  // or the place in overflow_
    std::uint32_t count;
  };
  static_assert(sizeof(Slot) == 32);

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  void encode_new(const BpeEncoder& encoder, std::string_view word, const ShortWord& key, Slot* set,
                  std::vector<std::int32_t>& ids);
  void encode_long(const BpeEncoder& encoder, std::string_view word, std::vector<std::int32_t>& ids);

  std::uint64_t owner_ = 0;
  std::vector<Slot> sets_;
  std::vector<std::int32_t> overflow_;  // ids of the words that have more than kInlineIds
  std::unordered_map<std::string, std::vector<std::int32_t>, TextHash, std::equal_to<>> long_words_;
};

}  // namespace reprise::data
