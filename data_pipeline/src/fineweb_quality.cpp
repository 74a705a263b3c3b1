// The quality rules of FineWeb (Penedo et al. 2024, section 3.6), read as the code that made it applies them.

#include <algorithm>

#include "break_tables.h"
#include "filter_rules.h"
#include "text_measures.h"
#include "text_units.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr double kMinTerminalLines = 0.12;
constexpr double kMaxShortLines = 0.67;
constexpr std::uint64_t kShortLineCharacters = 30;
constexpr double kMaxDuplicateCharacters = 0.01;
constexpr double kMaxNewlinesPerWord = 0.3;

/// Whether the last character of the line ends a sentence in some script (Sentence_Break ATerm or STerm).
bool ends_with_terminal_mark(std::string_view line) {
  std::size_t position = line.size() - 1;
  while (position > 0 && (static_cast<unsigned char>(line[position]) & 0xC0) == 0x80) --position;
  const SentenceBreak kind = sentence_break(sentence_break_values()[decode_character(line, position).code_point]);
  return kind == SentenceBreak::kATerm || kind == SentenceBreak::kSTerm;
}

bool is_short(std::string_view line) {
  return line.size() <= 4 * kShortLineCharacters && count_characters(line) <= kShortLineCharacters;
}

template <typename Predicate>
double share(const std::vector<std::string_view>& lines, Predicate predicate) {
  return ratio(static_cast<std::uint64_t>(std::count_if(lines.begin(), lines.end(), predicate)), lines.size());
}

class FineWebQuality : public Filter {
 public:
  explicit FineWebQuality(Disabled disabled) : disabled_(std::move(disabled)) {}

  Judgement judge(TextMeasures& text, bool explain) const override {
    Verdict verdict(disabled_, explain);
    if (verdict.open("fineweb_terminal_lines")) {
      verdict.drop_below("fineweb_terminal_lines", share(text.lines(), ends_with_terminal_mark), kMinTerminalLines);
    }
    if (verdict.open("fineweb_short_lines")) {
      verdict.drop_above("fineweb_short_lines", share(text.lines(), is_short), kMaxShortLines);
    }
    const auto newlines = static_cast<std::uint64_t>(std::count(text.text().begin(), text.text().end(), '\n'));
    if (verdict.open("fineweb_duplicate_line_characters")) {
      verdict.drop_above("fineweb_duplicate_line_characters",
                         ratio(text.duplicate_lines().later_characters, text.num_characters() - newlines),
                         kMaxDuplicateCharacters);
    }
    if (verdict.open("fineweb_newlines_per_word")) {
      verdict.drop_above("fineweb_newlines_per_word", ratio(newlines, text.words(Splitter::kSegments).size()),
                         kMaxNewlinesPerWord);
    }
    Judgement judgement;
    verdict.finish(judgement);
    return judgement;
  }

 private:
  Disabled disabled_;
};

}  // namespace

std::unique_ptr<Filter> make_fineweb_quality(Disabled disabled) {
  return std::make_unique<FineWebQuality>(std::move(disabled));
}

}  // namespace reprise::data
