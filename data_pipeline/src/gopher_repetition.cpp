// Repetition rules of Rae et al. 2021 (Gopher), table A1. What counts as a duplicate is said in
// docs/reference/filters.md: every occurrence of a line, paragraph or n-gram but the first.

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "filter_rules.h"
#include "text_units.h"

namespace reprise::data {
namespace {

constexpr double kMaxDuplicateLines = 0.30;
constexpr double kMaxDuplicateParagraphs = 0.30;
constexpr double kMaxDuplicateLineCharacters = 0.20;
constexpr double kMaxDuplicateParagraphCharacters = 0.20;

struct GramLimit {
  std::size_t length;
  double threshold;
};
constexpr std::array<GramLimit, 3> kTopGrams = {{{2, 0.20}, {3, 0.18}, {4, 0.16}}};
constexpr std::array<GramLimit, 6> kDuplicateGrams = {
    {{5, 0.15}, {6, 0.14}, {7, 0.13}, {8, 0.12}, {9, 0.11}, {10, 0.10}}};

struct Duplicates {
  double share_of_items = 0;
  double share_of_characters = 0;
};

Duplicates find_duplicates(const std::vector<std::string_view>& items, std::uint64_t text_characters) {
  std::unordered_set<std::string_view> seen;
  std::uint64_t repeated = 0;
  std::uint64_t characters = 0;
  for (const std::string_view item : items) {
    if (seen.insert(item).second) continue;
    ++repeated;
    characters += count_characters(item);
  }
  return {ratio(repeated, items.size()), ratio(characters, text_characters)};
}

/// The n-grams of a text for growing n. Each distinct n-gram has a number, given in order of first occurrence, so that
/// equality is exact: an n-gram is the (n-1)-gram at its start and one more word.
class Grams {
 public:
  explicit Grams(const std::vector<std::string_view>& words) {
    std::unordered_map<std::string_view, std::uint32_t> numbers;
    for (const std::string_view word : words) {
      words_.push_back(numbers.try_emplace(word, static_cast<std::uint32_t>(numbers.size())).first->second);
      lengths_.push_back(count_characters(word));
    }
    grams_ = words_;
    num_distinct_ = numbers.size();
  }

  void grow_to(std::size_t length) {
    while (length_ < length) grow();
  }

  /// Characters, with one space between words, of the most frequent n-gram times its occurrences; ties: the n-gram that
  /// occurs first. 0 when none occurs twice.
  std::uint64_t top_characters() const {
    std::vector<std::uint32_t> counts(num_distinct_, 0);
    std::vector<std::size_t> first(num_distinct_, 0);
    for (std::size_t i = grams_.size(); i-- > 0;) {
      ++counts[grams_[i]];
      first[grams_[i]] = i;
    }
    const auto top = std::max_element(counts.begin(), counts.end());
    if (top == counts.end() || *top < 2) return 0;
    return *top * (characters_at(first[static_cast<std::size_t>(top - counts.begin())]) + length_ - 1);
  }

  /// Characters, without spaces, of the n-grams that occurred before; reading goes on behind each of them, so that no
  /// character counts twice.
  std::uint64_t duplicate_characters() const {
    std::vector<bool> seen(num_distinct_, false);
    std::uint64_t characters = 0;
    for (std::size_t i = 0; i < grams_.size();) {
      if (seen[grams_[i]]) {
        characters += characters_at(i);
        i += length_;
      } else {
        seen[grams_[i++]] = true;
      }
    }
    return characters;
  }

 private:
  void grow() {
    const std::size_t count = grams_.empty() ? 0 : grams_.size() - 1;
    std::unordered_map<std::uint64_t, std::uint32_t> numbers;
    numbers.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t key = std::uint64_t{grams_[i]} << 32 | words_[i + length_];
      grams_[i] = numbers.try_emplace(key, static_cast<std::uint32_t>(numbers.size())).first->second;
    }
    grams_.resize(count);
    num_distinct_ = numbers.size();
    ++length_;
  }

  std::uint64_t characters_at(std::size_t position) const {
    std::uint64_t characters = 0;
    for (std::size_t k = 0; k < length_; ++k) characters += lengths_[position + k];
    return characters;
  }

  std::size_t length_ = 1;
  std::vector<std::uint32_t> words_;    // number of the word at each position
  std::vector<std::uint64_t> lengths_;  // its characters
  std::vector<std::uint32_t> grams_;    // number of the n-gram that begins at each position
  std::size_t num_distinct_ = 0;
};

class GopherRepetition : public Filter {
 public:
  explicit GopherRepetition(Disabled disabled) : disabled_(std::move(disabled)) {}

  std::optional<Drop> apply(std::string& text, Edits&) const override {
    Verdict verdict(disabled_);
    const std::uint64_t characters = count_characters(text);
    judge_duplicates(text, characters, verdict);
    if (!verdict.dropped()) judge_grams(text, characters, verdict);
    return verdict.take();
  }

 private:
  static void judge_duplicates(std::string_view text, std::uint64_t characters, Verdict& verdict) {
    const Duplicates lines = find_duplicates(non_blank_lines(text), characters);
    const Duplicates paragraphs = find_duplicates(split_paragraphs(text), characters);
    const auto judge = [&](std::string_view rule, double value, double threshold) {
      if (verdict.open(rule)) verdict.drop_above(rule, value, threshold);
    };
    judge("gopher_duplicate_lines", lines.share_of_items, kMaxDuplicateLines);
    judge("gopher_duplicate_paragraphs", paragraphs.share_of_items, kMaxDuplicateParagraphs);
    judge("gopher_duplicate_line_characters", lines.share_of_characters, kMaxDuplicateLineCharacters);
    judge("gopher_duplicate_paragraph_characters", paragraphs.share_of_characters, kMaxDuplicateParagraphCharacters);
  }

  static void judge_grams(std::string_view text, std::uint64_t characters, Verdict& verdict) {
    Grams grams(split_words(text));
    for (const GramLimit& limit : kTopGrams) {
      if (!verdict.open("gopher_top_ngrams")) break;
      grams.grow_to(limit.length);
      verdict.drop_above(fmt::format("gopher_top_ngrams.{}", limit.length), ratio(grams.top_characters(), characters),
                         limit.threshold);
    }
    for (const GramLimit& limit : kDuplicateGrams) {
      if (!verdict.open("gopher_duplicate_ngrams")) break;
      grams.grow_to(limit.length);
      verdict.drop_above(fmt::format("gopher_duplicate_ngrams.{}", limit.length),
                         ratio(grams.duplicate_characters(), characters), limit.threshold);
    }
  }

  Disabled disabled_;
};

}  // namespace

std::unique_ptr<Filter> make_gopher_repetition(Disabled disabled) {
  return std::make_unique<GopherRepetition>(std::move(disabled));
}

}  // namespace reprise::data
