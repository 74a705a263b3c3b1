// Quality rules of Rae et al. 2021 (Gopher), appendix A.1. Where the paper is silent, and what each preset makes of
// that: docs/reference/filters.md.

#include <algorithm>
#include <array>

#include "filter_rules.h"
#include "text_measures.h"
#include "text_units.h"

namespace reprise::data {
namespace {

constexpr double kMinWords = 50;
constexpr double kMaxWords = 100000;
constexpr double kMinLength = 3;
constexpr double kMaxLength = 10;
constexpr double kMaxSymbolRatio = 0.1;
constexpr double kMaxBulletLines = 0.9;
constexpr double kMaxEllipsisLines = 0.3;
constexpr double kMinAlphabeticWords = 0.8;
constexpr double kMaxNonAlphabeticWords = 0.2;
constexpr double kMinRequiredWords = 2;
constexpr std::string_view kEllipsis = "\u2026";
constexpr std::array<std::string_view, 8> kRequiredWords = {"the", "be", "to", "of", "and", "that", "have", "with"};

enum class CountedWords { kAll, kWithLetterOrNumber, kBeginningAlphanumeric };
enum class Length { kMean, kMedian };
enum class Symbols { kEach, kWordsThatHoldOne, kSum };
enum class Required { kDistinct, kOccurrences, kOccurrencesOfAnyCase };

struct QualityPreset {
  std::string_view name;
  Splitter splitter;
  CountedWords counted;  // for the number and the length of words
  Length length;
  bool length_of_counted;  // false: of all words
  Symbols symbols;
  std::array<std::string_view, 4> bullets;   // empty ones are none
  std::array<std::string_view, 3> ellipses;  // at the end of a line
  bool every_line;                           // blank lines count, and bullets stand at the very beginning
  bool non_alphabetic;                       // the share of words without a letter is measured
  Required required;
};
constexpr std::array<QualityPreset, 4> kPresets = {{
    {"gopher-paper",
     Splitter::kWhiteSpace,
     CountedWords::kAll,
     Length::kMean,
     false,
     Symbols::kEach,
     {"\u2022", "-"},
     {"...", kEllipsis},
     false,
     false,
     Required::kDistinct},
    {"dolma-v1.5",
     Splitter::kWhiteSpace,
     CountedWords::kAll,
     Length::kMedian,
     false,
     Symbols::kWordsThatHoldOne,
     {"*", "-"},
     {kEllipsis},
     true,
     false,
     Required::kOccurrences},
    {"fineweb",
     Splitter::kSegments,
     CountedWords::kWithLetterOrNumber,
     Length::kMean,
     true,
     Symbols::kEach,
     {"\u2022", "-"},
     {"...", kEllipsis},
     false,
     false,
     Required::kDistinct},
    {"dclm",
     Splitter::kWhiteSpace,
     CountedWords::kBeginningAlphanumeric,
     Length::kMean,
     false,
     Symbols::kSum,
     {"\u25CF", "\u2022", "*", "-"},
     {"...", ". . .", kEllipsis},
     false,
     true,
     Required::kOccurrencesOfAnyCase},
}};

using Words = std::vector<Word>;
using Lines = std::vector<std::string_view>;

template <typename Items, typename Predicate>
double share(const Items& items, Predicate predicate) {
  return ratio(static_cast<std::uint64_t>(std::count_if(items.begin(), items.end(), predicate)), items.size());
}

/// Which required word this is, or -1. Most words are too long or too short to be looked at.
int required_word(std::string_view word, bool any_case) {
  if (word.size() < 2 || word.size() > 4) return -1;
  char letters[4];
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    letters[i] = any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  const auto found = std::find(kRequiredWords.begin(), kRequiredWords.end(), std::string_view(letters, word.size()));
  return found == kRequiredWords.end() ? -1 : static_cast<int>(found - kRequiredWords.begin());
}

double median(std::vector<std::uint32_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (static_cast<double>(*middle) + *std::max_element(values.begin(), middle)) / 2;
}

class GopherQuality : public Filter {
 public:
  GopherQuality(const QualityPreset& preset, Disabled disabled) : preset_(preset), disabled_(std::move(disabled)) {}

  Judgement judge(TextMeasures& text, bool explain) const override {
    Verdict verdict(disabled_, explain);
    const Words& words = text.words(preset_.splitter);
    judge_words(words, verdict);
    if (verdict.open("gopher_symbol_ratio")) judge_symbols(text.text(), words, verdict);
    if (!verdict.closed()) judge_lines(preset_.every_line ? text.all_lines() : text.lines(), verdict);
    judge_letters(words, verdict);
    if (verdict.open("gopher_stop_words")) {
      verdict.drop_below("gopher_stop_words", count_required(words, verdict), kMinRequiredWords);
    }
    Judgement judgement;
    verdict.finish(judgement);
    return judgement;
  }

 private:
  bool is_counted(const Word& word) const {
    if (preset_.counted == CountedWords::kBeginningAlphanumeric) return word.has(kBeginsAlphanumeric);
    return preset_.counted == CountedWords::kAll || word.has(kHasLetter | kHasNumber);
  }

  void judge_words(const Words& words, Verdict& verdict) const {
    if (verdict.open("gopher_word_count")) {
      const auto count = static_cast<double>(
          std::count_if(words.begin(), words.end(), [&](const Word& word) { return is_counted(word); }));
      verdict.drop_below("gopher_word_count", count, kMinWords);
      verdict.drop_above("gopher_word_count", count, kMaxWords);
    }
    if (verdict.open("gopher_mean_word_length")) {
      const double length = word_length(words);
      verdict.drop_below("gopher_mean_word_length", length, kMinLength);
      verdict.drop_above("gopher_mean_word_length", length, kMaxLength);
    }
  }

  double word_length(const Words& words) const {
    std::vector<std::uint32_t> lengths;
    std::uint64_t characters = 0;
    std::uint64_t count = 0;
    for (const Word& word : words) {
      if (preset_.length_of_counted && !is_counted(word)) continue;
      characters += word.num_characters;
      ++count;
      if (preset_.length == Length::kMedian) lengths.push_back(word.num_characters);
    }
    return preset_.length == Length::kMedian ? median(std::move(lengths)) : ratio(characters, count);
  }

  void judge_symbols(std::string_view text, const Words& words, Verdict& verdict) const {
    if (preset_.symbols == Symbols::kWordsThatHoldOne) {
      const auto holds_one = [](const Word& word) {
        return word.text.find('#') != std::string_view::npos || word.text.find(kEllipsis) != std::string_view::npos;
      };
      return verdict.drop_above("gopher_symbol_ratio.words", share(words, holds_one), kMaxSymbolRatio);
    }
    const std::uint64_t hashes = count_occurrences(text, "#");
    const std::uint64_t ellipses = count_occurrences(text, "...") + count_occurrences(text, kEllipsis);
    if (preset_.symbols == Symbols::kSum) {
      return verdict.drop_above("gopher_symbol_ratio.sum",
                                ratio(hashes + ellipses + count_occurrences(text, ". . ."), words.size()),
                                kMaxSymbolRatio);
    }
    verdict.drop_above("gopher_symbol_ratio.hash", ratio(hashes, words.size()), kMaxSymbolRatio);
    verdict.drop_above("gopher_symbol_ratio.ellipsis", ratio(ellipses, words.size()), kMaxSymbolRatio);
  }

  void judge_lines(const Lines& lines, Verdict& verdict) const {
    if (verdict.open("gopher_bullet_lines")) {
      verdict.drop_above("gopher_bullet_lines", share(lines, [&](std::string_view line) { return has_bullet(line); }),
                         kMaxBulletLines);
    }
    if (verdict.open("gopher_ellipsis_lines")) {
      verdict.drop_above("gopher_ellipsis_lines",
                         share(lines, [&](std::string_view line) { return has_ellipsis(line); }), kMaxEllipsisLines);
    }
  }

  bool has_bullet(std::string_view line) const {
    const std::string_view text = preset_.every_line ? line : trim(line);
    return std::any_of(preset_.bullets.begin(), preset_.bullets.end(),
                       [&](std::string_view bullet) { return !bullet.empty() && text.starts_with(bullet); });
  }

  bool has_ellipsis(std::string_view line) const {
    const std::string_view text = preset_.every_line ? line : trim_end(line);
    return std::any_of(preset_.ellipses.begin(), preset_.ellipses.end(),
                       [&](std::string_view ellipsis) { return !ellipsis.empty() && text.ends_with(ellipsis); });
  }

  void judge_letters(const Words& words, Verdict& verdict) const {
    if (!verdict.open("gopher_alphabetic_words")) return;
    if (preset_.non_alphabetic) {
      const double without = share(words, [](const Word& word) { return !word.has(kHasLetter); });
      return verdict.drop_above("gopher_alphabetic_words.without", without, kMaxNonAlphabeticWords);
    }
    verdict.drop_below("gopher_alphabetic_words", share(words, [](const Word& word) { return word.has(kHasLetter); }),
                       kMinAlphabeticWords);
  }

  /// Counts on behind the threshold only where the value is asked for.
  double count_required(const Words& words, const Verdict& verdict) const {
    unsigned seen = 0;
    double count = 0;
    for (const Word& word : words) {
      const int which = required_word(word.text, preset_.required == Required::kOccurrencesOfAnyCase);
      if (which < 0) continue;
      const unsigned bit = 1u << which;
      if (preset_.required == Required::kDistinct && (seen & bit) != 0) continue;
      seen |= bit;
      if (++count >= kMinRequiredWords && !verdict.explains()) break;
    }
    return count;
  }

  const QualityPreset& preset_;
  Disabled disabled_;
};

}  // namespace

std::unique_ptr<Filter> make_gopher_quality(std::string_view preset, Disabled disabled) {
  const auto found = std::find_if(kPresets.begin(), kPresets.end(),
                                  [&](const QualityPreset& candidate) { return candidate.name == preset; });
  REPRISE_CHECK(found != kPresets.end());
  return std::make_unique<GopherQuality>(*found, std::move(disabled));
}

}  // namespace reprise::data
