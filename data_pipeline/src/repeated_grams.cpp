#include "repeated_grams.h"

#include <algorithm>
#include <bit>

#include "reprise/core/error.h"
#include "string_numbers.h"

namespace reprise::data {
namespace {

/// Numbers pairs in order of first occurrence.
class PairNumbers {
 public:
  explicit PairNumbers(std::size_t max_pairs) : slots_(std::bit_ceil(2 * max_pairs + 2)), mask_(slots_.size() - 1) {}

  std::uint32_t number_of(std::uint32_t first, std::uint32_t second) {
    const std::uint64_t key = std::uint64_t{first} << 32 | second;
    std::uint64_t at = key * 0x9E3779B97F4A7C15;
    at ^= at >> 32;
    for (at &= mask_; slots_[at].key != key; at = (at + 1) & mask_) {
      if (slots_[at].key != kEmpty) continue;
      slots_[at] = {key, size_++};
      break;
    }
    return slots_[at].number;
  }
  std::uint32_t size() const { return size_; }

 private:
  static constexpr std::uint64_t kEmpty = 0xFFFFFFFFFFFFFFFF;  // no pair: there are fewer than 2^32 - 1 words
  struct Slot {
    std::uint64_t key = kEmpty;
    std::uint32_t number = 0;
  };
  std::vector<Slot> slots_;
  std::size_t mask_;
  std::uint32_t size_ = 0;
};

}  // namespace

RepeatedGrams::RepeatedGrams(const std::vector<Word>& words) {
  REPRISE_CHECK(words.size() < 0xFFFFFFFF);
  StringNumbers numbers(words.size());
  characters_before_.reserve(words.size() + 1);
  positions_.reserve(words.size());
  numbers_.reserve(words.size());
  std::uint64_t characters = 0;
  for (const Word& word : words) {
    characters_before_.push_back(characters);
    characters += word.num_characters;
    positions_.push_back(static_cast<std::uint32_t>(positions_.size()));
    numbers_.push_back(numbers.number_of(word.text));
  }
  characters_before_.push_back(characters);
  counts_.assign(numbers.size(), 0);
  for (const std::uint32_t number : numbers_) ++counts_[number];
  forget_unique();
}

void RepeatedGrams::forget_unique() {
  std::size_t kept = 0;
  for (std::size_t k = 0; k < numbers_.size(); ++k) {
    positions_[kept] = positions_[k];
    numbers_[kept] = numbers_[k];
    kept += counts_[numbers_[k]] >= 2 ? 1 : 0;
  }
  positions_.resize(kept);
  numbers_.resize(kept);
}

void RepeatedGrams::grow_to(std::size_t length) {
  while (length_ < length) grow();
}

void RepeatedGrams::grow() {
  ++length_;
  if (positions_.empty()) return;
  PairNumbers pairs(positions_.size());
  counts_.assign(positions_.size(), 0);
  std::size_t num_looked_at = 0;
  for (std::size_t k = 0; k + 1 < positions_.size(); ++k) {
    if (positions_[k + 1] != positions_[k] + 1) continue;
    const std::uint32_t number = pairs.number_of(numbers_[k], numbers_[k + 1]);
    ++counts_[number];
    positions_[num_looked_at] = positions_[k];
    numbers_[num_looked_at++] = number;
  }
  positions_.resize(num_looked_at);
  numbers_.resize(num_looked_at);
  counts_.resize(pairs.size());
  forget_unique();
}

RepeatedGrams::Top RepeatedGrams::most_frequent_first() const {
  if (positions_.empty()) return {};
  const auto top = std::max_element(counts_.begin(), counts_.end());
  const auto number = static_cast<std::uint32_t>(top - counts_.begin());
  const auto at = std::find(numbers_.begin(), numbers_.end(), number);
  return {*top, characters_at(positions_[static_cast<std::size_t>(at - numbers_.begin())])};
}

RepeatedGrams::Top RepeatedGrams::most_frequent_longest() const {
  if (positions_.empty()) return {};
  Top top{*std::max_element(counts_.begin(), counts_.end()), 0};
  for (std::size_t k = 0; k < positions_.size(); ++k) {
    if (counts_[numbers_[k]] == top.count) top.characters = std::max(top.characters, characters_at(positions_[k]));
  }
  return top;
}

std::uint64_t RepeatedGrams::later_characters() const {
  std::vector<bool> seen(counts_.size(), false);
  std::uint64_t characters = 0;
  std::size_t read_to = 0;
  for (std::size_t k = 0; k < positions_.size(); ++k) {
    if (positions_[k] < read_to) continue;
    if (seen[numbers_[k]]) {
      characters += characters_at(positions_[k]);
      read_to = positions_[k] + length_;
    }
    seen[numbers_[k]] = true;
  }
  return characters;
}

std::uint64_t RepeatedGrams::repeated_characters() const {
  std::uint64_t characters = 0;
  for (const std::uint32_t position : positions_) characters += characters_at(position);
  return characters;
}

std::uint64_t RepeatedGrams::all_characters() const {
  std::uint64_t characters = 0;
  for (std::size_t position = 0; position < num_grams(); ++position) characters += characters_at(position);
  return characters;
}

std::uint64_t RepeatedGrams::covered_characters() const {
  std::uint64_t characters = 0;
  std::size_t covered_to = 0;
  for (const std::uint32_t position : positions_) {
    const std::size_t begin = std::max<std::size_t>(position, covered_to);
    covered_to = position + length_;
    characters += characters_before_[covered_to] - characters_before_[begin];
  }
  return characters;
}

}  // namespace reprise::data
