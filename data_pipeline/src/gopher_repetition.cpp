// Repetition rules of Rae et al. 2021 (Gopher), table A1, as the paper's readers count them. What each preset counts:
// docs/reference/filters.md.

#include <algorithm>
#include <array>

#include "filter_rules.h"
#include "repeated_grams.h"
#include "text_units.h"

namespace reprise::data {
namespace {

constexpr double kNoRule = -1;

enum class Lines { kNonBlank, kAll, kTrimmed };
enum class Counted { kLater, kRepeated };  // every occurrence but the first, or all of what occurs twice
enum class Against { kText, kItems, kWords };
enum class TopGram { kFirstWithSpaces, kFirstEvenIfSingle, kLongest };
enum class DuplicateGrams { kLater, kShareOfGrams, kCovered };

struct RepetitionPreset {
  std::string_view name;
  Splitter splitter;
  Lines lines;
  Counted counted;
  Against against;  // what characters are divided by
  double max_line_characters;
  bool paragraphs;
  bool top_grams;
  TopGram top;
  DuplicateGrams duplicates;
};
constexpr std::array<RepetitionPreset, 5> kPresets = {{
    {"gopher-paper", Splitter::kWhiteSpace, Lines::kNonBlank, Counted::kLater, Against::kText, 0.20, true, true,
     TopGram::kFirstWithSpaces, DuplicateGrams::kLater},
    {"dolma-v1.5-as-written", Splitter::kWhiteSpace, Lines::kAll, Counted::kRepeated, Against::kWords, 0.30, false,
     false, TopGram::kFirstEvenIfSingle, DuplicateGrams::kShareOfGrams},
    {"dolma-v1.5-intended", Splitter::kWhiteSpace, Lines::kAll, Counted::kRepeated, Against::kWords, 0.30, false, true,
     TopGram::kFirstEvenIfSingle, DuplicateGrams::kShareOfGrams},
    {"fineweb", Splitter::kSegments, Lines::kNonBlank, Counted::kLater, Against::kText, 0.20, true, true,
     TopGram::kFirstWithSpaces, DuplicateGrams::kLater},
    {"dclm", Splitter::kAlphanumerics, Lines::kTrimmed, Counted::kRepeated, Against::kItems, 0.20, true, true,
     TopGram::kLongest, DuplicateGrams::kCovered},
}};

constexpr double kMaxDuplicateItems = 0.30;
constexpr double kMaxParagraphCharacters = 0.20;

struct GramLimit {
  std::size_t length;
  double threshold;
  std::string_view rule;
};
constexpr std::array<GramLimit, 3> kTopGrams = {
    {{2, 0.20, "gopher_top_ngrams.2"}, {3, 0.18, "gopher_top_ngrams.3"}, {4, 0.16, "gopher_top_ngrams.4"}}};
constexpr std::array<GramLimit, 6> kDuplicateGrams = {{{5, 0.15, "gopher_duplicate_ngrams.5"},
                                                       {6, 0.14, "gopher_duplicate_ngrams.6"},
                                                       {7, 0.13, "gopher_duplicate_ngrams.7"},
                                                       {8, 0.12, "gopher_duplicate_ngrams.8"},
                                                       {9, 0.11, "gopher_duplicate_ngrams.9"},
                                                       {10, 0.10, "gopher_duplicate_ngrams.10"}}};

std::vector<std::string_view> trimmed(std::vector<std::string_view> items) {
  for (std::string_view& item : items) item = trim(item);
  return items;
}

class GopherRepetition : public Filter {
 public:
  GopherRepetition(const RepetitionPreset& preset, Disabled disabled)
      : preset_(preset), disabled_(std::move(disabled)) {}

  Judgement judge(TextMeasures& text, bool explain) const override {
    Verdict verdict(disabled_, explain);
    judge_duplicates(text, verdict);
    if (!verdict.closed()) judge_grams(text, verdict);
    Judgement judgement;
    verdict.finish(judgement);
    return judgement;
  }

 private:
  Duplicates lines_of(TextMeasures& text) const {
    if (preset_.lines == Lines::kAll) return find_duplicates(text.all_lines());
    if (preset_.lines == Lines::kTrimmed) return find_duplicates(trimmed(text.lines()));
    return text.duplicate_lines();
  }

  Duplicates paragraphs_of(TextMeasures& text) const {
    if (preset_.lines == Lines::kTrimmed) return find_duplicates(trimmed(split_paragraphs(text.text())));
    return text.duplicate_paragraphs();
  }

  double item_share(const Duplicates& found) const {
    return ratio(preset_.counted == Counted::kLater ? found.later_items : found.repeated_items, found.num_items);
  }

  double character_share(TextMeasures& text, const Duplicates& found) const {
    const std::uint64_t characters =
        preset_.counted == Counted::kLater ? found.later_characters : found.repeated_characters;
    if (preset_.against == Against::kItems) return ratio(characters, found.num_characters);
    return ratio(characters, all_characters(text));
  }

  std::uint64_t all_characters(TextMeasures& text) const {
    return preset_.against == Against::kText ? text.num_characters() : text.word_characters(preset_.splitter);
  }

  void judge_duplicates(TextMeasures& text, Verdict& verdict) const {
    const auto judge = [&](std::string_view rule, double value, double threshold) {
      if (verdict.open(rule)) verdict.drop_above(rule, value, threshold);
    };
    const Duplicates lines = lines_of(text);
    const Duplicates paragraphs = preset_.paragraphs ? paragraphs_of(text) : Duplicates{};
    judge("gopher_duplicate_lines", item_share(lines), kMaxDuplicateItems);
    if (preset_.paragraphs) judge("gopher_duplicate_paragraphs", item_share(paragraphs), kMaxDuplicateItems);
    judge("gopher_duplicate_line_characters", character_share(text, lines), preset_.max_line_characters);
    if (preset_.paragraphs) {
      judge("gopher_duplicate_paragraph_characters", character_share(text, paragraphs), kMaxParagraphCharacters);
    }
  }

  void judge_grams(TextMeasures& text, Verdict& verdict) const {
    RepeatedGrams grams(text.words(preset_.splitter));
    const std::uint64_t characters = all_characters(text);
    for (const GramLimit& limit : kTopGrams) {
      if (!preset_.top_grams || !verdict.open("gopher_top_ngrams")) break;
      grams.grow_to(limit.length);
      verdict.drop_above(limit.rule, ratio(top_characters(grams, limit.length), characters), limit.threshold);
    }
    for (const GramLimit& limit : kDuplicateGrams) {
      if (!verdict.open("gopher_duplicate_ngrams")) break;
      grams.grow_to(limit.length);
      verdict.drop_above(limit.rule, duplicate_share(grams, characters), limit.threshold);
    }
  }

  std::uint64_t top_characters(const RepeatedGrams& grams, std::size_t length) const {
    if (preset_.top == TopGram::kLongest) {
      const RepeatedGrams::Top top = grams.most_frequent_longest();
      return top.count * top.characters;
    }
    const RepeatedGrams::Top top = grams.most_frequent_first();
    if (preset_.top == TopGram::kFirstWithSpaces) return top.count * (top.characters + length - 1);
    return top.count > 0 ? top.count * top.characters : grams.first_characters();
  }

  double duplicate_share(const RepeatedGrams& grams, std::uint64_t characters) const {
    if (preset_.duplicates == DuplicateGrams::kLater) return ratio(grams.later_characters(), characters);
    if (preset_.duplicates == DuplicateGrams::kCovered) return ratio(grams.covered_characters(), characters);
    return ratio(grams.repeated_characters(), grams.all_characters());
  }

  const RepetitionPreset& preset_;
  Disabled disabled_;
};

}  // namespace

std::unique_ptr<Filter> make_gopher_repetition(std::string_view preset, Disabled disabled) {
  const auto found = std::find_if(kPresets.begin(), kPresets.end(),
                                  [&](const RepetitionPreset& candidate) { return candidate.name == preset; });
  REPRISE_CHECK(found != kPresets.end());
  return std::make_unique<GopherRepetition>(*found, std::move(disabled));
}

}  // namespace reprise::data
