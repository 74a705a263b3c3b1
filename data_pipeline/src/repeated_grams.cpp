#include "repeated_grams.h"

#include <algorithm>
#include <bit>

#include "string_numbers.h"

namespace reprise::data {
namespace {

/// Numbers pairs in order of first occurrence.
class PairNumbers {
 public:
  explicit PairNumbers(std::size_t max_pairs)
      : keys_(std::bit_ceil(2 * max_pairs + 2), kEmpty), numbers_(keys_.size()), mask_(keys_.size() - 1) {}

  std::uint32_t number_of(std::uint32_t first, std::uint32_t second) {
    const std::uint64_t key = std::uint64_t{first} << 32 | second;
    std::uint64_t slot = key * 0x9E3779B97F4A7C15;
    slot ^= slot >> 32;
    for (slot &= mask_; keys_[slot] != key; slot = (slot + 1) & mask_) {
      if (keys_[slot] != kEmpty) continue;
      keys_[slot] = key;
      numbers_[slot] = size_++;
      break;
    }
    return numbers_[slot];
  }
  std::uint32_t size() const { return size_; }

 private:
  static constexpr std::uint64_t kEmpty = 0xFFFFFFFFFFFFFFFF;  // no pair: its halves would be kUnique
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint32_t> numbers_;
  std::size_t mask_;
  std::uint32_t size_ = 0;
};

}  // namespace

RepeatedGrams::RepeatedGrams(const std::vector<Word>& words) {
  StringNumbers numbers(words.size());
  characters_before_.reserve(words.size() + 1);
  grams_.reserve(words.size());
  std::uint64_t characters = 0;
  for (const Word& word : words) {
    characters_before_.push_back(characters);
    characters += word.num_characters;
    grams_.push_back(numbers.number_of(word.text));
  }
  characters_before_.push_back(characters);
  counts_.assign(numbers.size(), 0);
  for (const std::uint32_t number : grams_) ++counts_[number];
  forget_unique();
}

void RepeatedGrams::forget_unique() {
  any_repeated_ = false;
  for (std::uint32_t& number : grams_) {
    if (number == kUnique) continue;
    if (counts_[number] < 2) {
      number = kUnique;
    } else {
      any_repeated_ = true;
    }
  }
}

void RepeatedGrams::grow_to(std::size_t length) {
  while (length_ < length) grow();
}

void RepeatedGrams::grow() {
  ++length_;
  if (grams_.empty()) return;
  const std::size_t count = grams_.size() - 1;
  if (!any_repeated_) return grams_.resize(count);
  const auto may_repeat = [&](std::size_t i) { return grams_[i] != kUnique && grams_[i + 1] != kUnique; };
  std::size_t num_candidates = 0;
  for (std::size_t i = 0; i < count; ++i) num_candidates += may_repeat(i) ? 1 : 0;
  PairNumbers numbers(num_candidates);
  counts_.assign(num_candidates, 0);
  for (std::size_t i = 0; i < count; ++i) {
    if (!may_repeat(i)) {
      grams_[i] = kUnique;
      continue;
    }
    grams_[i] = numbers.number_of(grams_[i], grams_[i + 1]);
    ++counts_[grams_[i]];
  }
  grams_.resize(count);
  counts_.resize(numbers.size());
  forget_unique();
}

RepeatedGrams::Top RepeatedGrams::most_frequent_first() const {
  if (!any_repeated_) return {};
  const auto top = std::max_element(counts_.begin(), counts_.end());
  const auto number = static_cast<std::uint32_t>(top - counts_.begin());
  const auto at = std::find(grams_.begin(), grams_.end(), number);
  return {*top, characters_at(static_cast<std::size_t>(at - grams_.begin()))};
}

RepeatedGrams::Top RepeatedGrams::most_frequent_longest() const {
  if (!any_repeated_) return {};
  Top top{*std::max_element(counts_.begin(), counts_.end()), 0};
  for (std::size_t i = 0; i < grams_.size(); ++i) {
    if (grams_[i] != kUnique && counts_[grams_[i]] == top.count)
      top.characters = std::max(top.characters, characters_at(i));
  }
  return top;
}

std::uint64_t RepeatedGrams::later_characters() const {
  if (!any_repeated_) return 0;
  std::vector<bool> seen(counts_.size(), false);
  std::uint64_t characters = 0;
  for (std::size_t i = 0; i < grams_.size();) {
    const std::uint32_t number = grams_[i];
    if (number != kUnique && seen[number]) {
      characters += characters_at(i);
      i += length_;
      continue;
    }
    if (number != kUnique) seen[number] = true;
    ++i;
  }
  return characters;
}

std::uint64_t RepeatedGrams::repeated_characters() const {
  std::uint64_t characters = 0;
  for (std::size_t i = 0; any_repeated_ && i < grams_.size(); ++i) {
    if (grams_[i] != kUnique) characters += characters_at(i);
  }
  return characters;
}

std::uint64_t RepeatedGrams::all_characters() const {
  std::uint64_t characters = 0;
  for (std::size_t i = 0; i < grams_.size(); ++i) characters += characters_at(i);
  return characters;
}

std::uint64_t RepeatedGrams::covered_characters() const {
  std::uint64_t characters = 0;
  std::size_t covered_to = 0;
  for (std::size_t i = 0; any_repeated_ && i < grams_.size(); ++i) {
    if (grams_[i] == kUnique) continue;
    const std::size_t begin = std::max(i, covered_to);
    covered_to = i + length_;
    characters += characters_before_[covered_to] - characters_before_[begin];
  }
  return characters;
}

}  // namespace reprise::data
