#pragma once
// The words that the trainer merges in, one after the other in one piece of memory. A word is its length, its count and
// its symbols in a row, for reading a word waits for memory and for little else.

#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "reprise/core/error.h"

namespace reprise::data {

class WordArena {
 public:
  /// Appends a word of `length` symbols, which the caller fills in, and returns its number. Numbers ascend.
  std::uint32_t add(std::uint32_t length, std::int64_t count) {
    const std::size_t begin = memory_.size();
    REPRISE_REQUIRE(begin / kUnit < std::numeric_limits<std::uint32_t>::max(), ErrorKind::kData,
                    fmt::format("the texts have too many different words for a tokenizer; symbols held: {}", begin),
                    "train on a sample of the texts");
    memory_.resize(begin + (kHeader + length + kUnit - 1) / kUnit * kUnit);
    memory_[begin] = length;
    std::memcpy(memory_.data() + begin + 1, &count, sizeof count);
    return static_cast<std::uint32_t>(begin / kUnit);
  }

  std::uint32_t* symbols(std::uint32_t word) { return memory_.data() + std::size_t{word} * kUnit + kHeader; }
  std::uint32_t length(std::uint32_t word) const { return memory_[std::size_t{word} * kUnit]; }
  void shorten(std::uint32_t word, std::uint32_t length) { memory_[std::size_t{word} * kUnit] = length; }
  std::int64_t count(std::uint32_t word) const {
    std::int64_t result;
    std::memcpy(&result, memory_.data() + std::size_t{word} * kUnit + 1, sizeof result);
    return result;
  }

  /// Asks for the memory of a word that is needed soon.
  void prefetch(std::uint32_t word) const {
    const std::uint32_t* const begin = memory_.data() + std::size_t{word} * kUnit;
    __builtin_prefetch(begin, 1);
    __builtin_prefetch(begin + kLine, 1);
  }

 private:
  static constexpr std::size_t kUnit = 4;  // words begin at multiples, so that 32 bits number 64 GiB of them
  static constexpr std::size_t kHeader = 3;
  static constexpr std::size_t kLine = 16;  // symbols in a line of the cache

  std::vector<std::uint32_t> memory_;
};

}  // namespace reprise::data
