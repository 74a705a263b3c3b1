#pragma once
// Numbers strings in order of first occurrence, exactly: a hash only finds the place, equality decides. Open
// addressing in two arrays, because the rules of repetition look up every word of every document.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace reprise::data {

/// A hash for tables in memory. It decides no result: its bits may change.
inline std::uint64_t hash_for_table(std::string_view text) {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;
  std::uint64_t hash = text.size() * kMultiplier;
  const auto mix = [&](std::uint64_t word) {
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 29;
  };
  const auto load = [&](std::size_t position, std::size_t num_bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + position, num_bytes);
    return word;
  };
  std::size_t position = 0;
  for (; position + 8 < text.size(); position += 8) mix(load(position, 8));
  // The last bytes by loads of fixed width, which may overlap.
  if (text.size() >= 8) {
    mix(load(text.size() - 8, 8));
  } else if (text.size() >= 4) {
    mix(load(0, 4) << 32 | load(text.size() - 4, 4));
  } else if (!text.empty()) {
    mix(load(0, 1) << 16 | load(text.size() / 2, 1) << 8 | load(text.size() - 1, 1));
  }
  return hash ^ hash >> 32;
}

class StringNumbers {
 public:
  /// At most `max_strings` different strings will be asked for.
  explicit StringNumbers(std::size_t max_strings)
      : slots_(std::bit_ceil(2 * max_strings + 2), kEmpty), mask_(slots_.size() - 1) {
    strings_.reserve(max_strings);
  }

  /// Returns the number of `text`, which has to outlive this: 0 for the first string, the next for each new one.
  std::uint32_t number_of(std::string_view text) {
    const std::uint64_t hash = hash_for_table(text);
    for (std::size_t slot = hash & mask_;; slot = (slot + 1) & mask_) {
      const std::uint32_t number = slots_[slot];
      if (number == kEmpty) {
        slots_[slot] = static_cast<std::uint32_t>(strings_.size());
        strings_.push_back({text, hash});
        return slots_[slot];
      }
      if (strings_[number].hash == hash && strings_[number].text == text) return number;
    }
  }

  std::size_t size() const { return strings_.size(); }

 private:
  static constexpr std::uint32_t kEmpty = 0xFFFFFFFF;
  struct Entry {
    std::string_view text;
    std::uint64_t hash;
  };
  std::vector<std::uint32_t> slots_;
  std::size_t mask_;
  std::vector<Entry> strings_;
};

}  // namespace reprise::data
