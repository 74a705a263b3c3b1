#pragma once
// The n-grams of words that occur more than once, for growing n. Nothing is hashed into a verdict: an n-gram is the
// pair of (n-1)-grams at its two ends, and each of these has a number, so that equality is exact. An n-gram can only
// be repeated where both of its ends are, which leaves few places to look at from n = 3 on.

#include <cstdint>
#include <vector>

#include "text_measures.h"

namespace reprise::data {

class RepeatedGrams {
 public:
  explicit RepeatedGrams(const std::vector<Word>& words);

  /// Goes on to n-grams of `length` words; lengths must grow.
  void grow_to(std::size_t length);

  struct Top {
    std::uint64_t count = 0;       // 0: no n-gram occurs twice
    std::uint64_t characters = 0;  // of its words
  };
  /// The most frequent n-gram; of equally frequent ones the first in the text, or the longest.
  Top most_frequent_first() const;
  Top most_frequent_longest() const;

  /// Characters of the n-gram at the beginning of the text; 0 where there is none.
  std::uint64_t first_characters() const { return num_grams() == 0 ? 0 : characters_at(0); }

  /// Characters of the n-grams that occurred before; reading goes on behind each of them, so that none counts twice.
  std::uint64_t later_characters() const;
  /// Characters of every occurrence of a repeated n-gram, and of all n-grams, overlaps as often as they are covered.
  std::uint64_t repeated_characters() const;
  std::uint64_t all_characters() const;
  /// Characters of the words that some repeated n-gram covers.
  std::uint64_t covered_characters() const;

 private:
  void grow();
  void forget_unique();
  std::size_t num_grams() const {
    const std::size_t num_words = characters_before_.size() - 1;
    return num_words < length_ ? 0 : num_words - length_ + 1;
  }
  std::uint64_t characters_at(std::size_t position) const {
    return characters_before_[position + length_] - characters_before_[position];
  }

  std::size_t length_ = 1;
  std::vector<std::uint64_t> characters_before_;  // of each word; one more for the end
  // The occurrences of repeated n-grams, in the order of the text: position of the first word and number of the n-gram.
  std::vector<std::uint32_t> positions_;
  std::vector<std::uint32_t> numbers_;
  std::vector<std::uint32_t> counts_;  // by number, of all n-grams that were looked at; in order of first occurrence
};

}  // namespace reprise::data
