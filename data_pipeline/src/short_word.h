#pragma once
// A word of 1 to 15 bytes as two numbers: equal words have equal numbers, and comparing and hashing them takes no loop.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace reprise::data {

/// The bytes, little-endian, and the length in the top byte. No word has both numbers 0, for words are not empty.
struct ShortWord {
  static constexpr std::size_t kMaxBytes = 15;

  std::uint64_t low = 0;
  std::uint64_t high = 0;

  bool operator==(const ShortWord&) const = default;

  /// Reads no byte outside the word: from 4 bytes on, two loads that overlap.
  static ShortWord of(std::string_view word) {
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

  std::uint64_t hash() const {
    const auto product = static_cast<unsigned __int128>(low ^ 0x9E3779B97F4A7C15u) * (high ^ 0xD1B54A32D192ED03u);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  bool empty() const { return high == 0; }
  std::size_t size() const { return static_cast<std::size_t>(high >> 56); }
  /// Writes the bytes of the word, and more up to 16, to `bytes`.
  void write(char* bytes) const {
    std::memcpy(bytes, &low, 8);
    std::memcpy(bytes + 8, &high, 8);
  }

 private:
  template <typename Integer>
  static std::uint64_t load(const char* bytes) {
    Integer value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
};

}  // namespace reprise::data
