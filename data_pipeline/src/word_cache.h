#pragma once
// Ids of the words that one thread met lately. Never changes a result; bounded, for text has no bounded vocabulary.
// Not thread-safe: one per thread.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bpe_encoder.h"

namespace reprise::data {

class WordCache {
 public:
  /// Forgets everything when another model owned the cache.
  void claim(std::uint64_t owner);

  /// Appends the ids of `word`, as encoder.encode_word does.
  void encode(const BpeEncoder& encoder, std::string_view word, std::vector<std::int32_t>& ids) {
    if (word.size() > kMaxKeyBytes) return encode_long(encoder, word, ids);
    const Key key = key_of(word);
    Slot* const set = sets_.data() + (hash_of(key) >> (64 - kSetBits)) * kWays;
    for (std::size_t way = 0; way < kWays; ++way) {
      const Slot& slot = set[way];
      if (slot.key.low == key.low && slot.key.high == key.high) {
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
  static constexpr std::size_t kMaxKeyBytes = 15;
  static constexpr std::size_t kInlineIds = 3;
  static constexpr std::size_t kWays = 4;
  static constexpr int kSetBits = 14;
  static constexpr std::size_t kMaxOverflowIds = std::size_t{1} << 20;
  static constexpr std::size_t kMaxLongWords = std::size_t{1} << 15;
  static constexpr std::size_t kMaxLongWordBytes = 64;

  /// The bytes of a word, little-endian, and its length in the top byte: words of up to 15 bytes have distinct keys,
  /// and none of them is the key of an empty slot, for words are not empty.
  struct Key {
    std::uint64_t low;
    std::uint64_t high;
  };
  struct Slot {
    Key key;
    std::int32_t ids[kInlineIds];  // or the place in overflow_
    std::uint32_t count;
  };
  static_assert(sizeof(Slot) == 32);

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  template <typename Integer>
  static std::uint64_t load(const char* bytes) {
    Integer value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }

  /// Reads no byte outside the word: from 4 bytes on, two loads that overlap.
  static Key key_of(std::string_view word) {
    const char* const bytes = word.data();
    const std::size_t size = word.size();
    const std::uint64_t length = static_cast<std::uint64_t>(size) << 56;
    if (size > 8) {
      return {load<std::uint64_t>(bytes), load<std::uint64_t>(bytes + size - 8) >> 8 * (16 - size) | length};
    }
    if (size >= 4) {
      return {load<std::uint32_t>(bytes) | load<std::uint32_t>(bytes + size - 4) << 8 * (size - 4), length};
    }
    std::uint64_t low = load<std::uint8_t>(bytes);
    if (size > 1) low |= load<std::uint8_t>(bytes + 1) << 8;
    if (size > 2) low |= load<std::uint8_t>(bytes + 2) << 16;
    return {low, length};
  }

  static std::uint64_t hash_of(const Key& key) {
    const auto product =
        static_cast<unsigned __int128>(key.low ^ 0x9E3779B97F4A7C15u) * (key.high ^ 0xD1B54A32D192ED03u);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  void encode_new(const BpeEncoder& encoder, std::string_view word, const Key& key, Slot* set,
                  std::vector<std::int32_t>& ids);
  void encode_long(const BpeEncoder& encoder, std::string_view word, std::vector<std::int32_t>& ids);

  std::uint64_t owner_ = 0;
  std::vector<Slot> sets_;
  std::vector<std::int32_t> overflow_;  // ids of the words that have more than kInlineIds
  std::unordered_map<std::string, std::vector<std::int32_t>, TextHash, std::equal_to<>> long_words_;
};

}  // namespace reprise::data
