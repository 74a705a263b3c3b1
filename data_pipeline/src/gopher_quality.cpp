// Quality rules of Rae et al. 2021 (Gopher), appendix A.1. Where the paper is silent, docs/reference/filters.md says
// what is counted.

#include <algorithm>
#include <array>

#include "filter_rules.h"
#include "text_units.h"

namespace reprise::data {
namespace {

constexpr double kMinWords = 50;
constexpr double kMaxWords = 100000;
constexpr double kMinMeanLength = 3;
constexpr double kMaxMeanLength = 10;
constexpr double kMaxSymbolRatio = 0.1;
constexpr double kMaxBulletLines = 0.9;
constexpr double kMaxEllipsisLines = 0.3;
constexpr double kMinAlphabeticWords = 0.8;
constexpr double kMinRequiredWords = 2;
constexpr std::string_view kEllipsis = "\u2026";
constexpr std::string_view kBullet = "\u2022";
constexpr std::array<std::string_view, 8> kRequiredWords = {"the", "be", "to", "of", "and", "that", "have", "with"};

using Views = std::vector<std::string_view>;

double mean_word_length(const Views& words) {
  std::uint64_t characters = 0;
  for (const std::string_view word : words) characters += count_characters(word);
  return ratio(characters, words.size());
}

template <typename Predicate>
double share(const Views& items, Predicate predicate) {
  return ratio(static_cast<std::uint64_t>(std::count_if(items.begin(), items.end(), predicate)), items.size());
}

bool starts_with_bullet(std::string_view line) {
  const std::string_view text = trim(line);
  return text.starts_with(kBullet) || text.starts_with('-');
}

bool ends_with_ellipsis(std::string_view line) {
  const std::string_view text = trim_end(line);
  return text.ends_with("...") || text.ends_with(kEllipsis);
}

double count_required_words(const Views& words) {
  return static_cast<double>(std::count_if(
      kRequiredWords.begin(), kRequiredWords.end(),
      [&](std::string_view required) { return std::find(words.begin(), words.end(), required) != words.end(); }));
}

class GopherQuality : public Filter {
 public:
  explicit GopherQuality(Disabled disabled) : disabled_(std::move(disabled)) {}

  std::optional<Drop> apply(std::string& text, Edits&) const override {
    Verdict verdict(disabled_);
    const Views words = split_words(text);
    judge_words(text, words, verdict);
    if (!verdict.dropped()) judge_lines(non_blank_lines(text), verdict);
    if (verdict.open("gopher_alphabetic_words")) {
      verdict.drop_below("gopher_alphabetic_words", share(words, has_letter), kMinAlphabeticWords);
    }
    if (verdict.open("gopher_stop_words")) {
      verdict.drop_below("gopher_stop_words", count_required_words(words), kMinRequiredWords);
    }
    return verdict.take();
  }

 private:
  static void judge_words(std::string_view text, const Views& words, Verdict& verdict) {
    if (verdict.open("gopher_word_count")) {
      const auto count = static_cast<double>(words.size());
      verdict.drop_below("gopher_word_count", count, kMinWords);
      verdict.drop_above("gopher_word_count", count, kMaxWords);
    }
    if (verdict.open("gopher_mean_word_length")) {
      const double length = mean_word_length(words);
      verdict.drop_below("gopher_mean_word_length", length, kMinMeanLength);
      verdict.drop_above("gopher_mean_word_length", length, kMaxMeanLength);
    }
    if (verdict.open("gopher_symbol_ratio")) {
      const std::uint64_t ellipses = count_occurrences(text, "...") + count_occurrences(text, kEllipsis);
      verdict.drop_above("gopher_symbol_ratio.hash", ratio(count_occurrences(text, "#"), words.size()),
                         kMaxSymbolRatio);
      verdict.drop_above("gopher_symbol_ratio.ellipsis", ratio(ellipses, words.size()), kMaxSymbolRatio);
    }
  }

  static void judge_lines(const Views& lines, Verdict& verdict) {
    if (verdict.open("gopher_bullet_lines")) {
      verdict.drop_above("gopher_bullet_lines", share(lines, starts_with_bullet), kMaxBulletLines);
    }
    if (verdict.open("gopher_ellipsis_lines")) {
      verdict.drop_above("gopher_ellipsis_lines", share(lines, ends_with_ellipsis), kMaxEllipsisLines);
    }
  }

  Disabled disabled_;
};

}  // namespace

std::unique_ptr<Filter> make_gopher_quality(Disabled disabled) {
  return std::make_unique<GopherQuality>(std::move(disabled));
}

}  // namespace reprise::data
