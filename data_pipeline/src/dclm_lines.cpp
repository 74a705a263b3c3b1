// The line edits of DCLM-Baseline (Li et al. 2024, after RefinedWeb) and the rule that drops what lost too much by
// them. Read as the published configuration and its code apply them; docs/reference/filters.md.

#include <algorithm>
#include <array>

#include "break_tables.h"
#include "dclm_counter.h"
#include "filter_rules.h"
#include "text_measures.h"
#include "text_units.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr double kMaxUppercase = 0.5;
constexpr double kMaxDigits = 0.999999;
constexpr std::size_t kMinWordsPerLine = 2;
constexpr std::size_t kMaxWordsOfBoilerplate = 10;
constexpr std::size_t kMaxNewlines = 2;
constexpr double kMaxRemovedWords = 0.05;

/// Share of the characters of a line that have a property of the sentence table.
double share_with(std::string_view line, std::uint8_t property) {
  const std::uint8_t* values = sentence_break_values();
  std::uint64_t found = 0;
  std::uint64_t all = 0;
  for (std::size_t position = 0; position < line.size(); ++all) {
    const Decoded character = decode_character(line, position);
    found += (values[character.code_point] & property) != 0 ? 1 : 0;
    position += character.num_bytes;
  }
  return ratio(found, all);
}

/// Where `phrase`, in lower case, begins in `line` at or behind `from`, without regard to ASCII case; or npos.
std::size_t find_phrase(std::string_view line, std::string_view phrase, std::size_t from) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  const auto found =
      std::search(line.begin() + static_cast<std::ptrdiff_t>(from), line.end(), phrase.begin(), phrase.end(), same);
  return found == line.end() ? std::string_view::npos : static_cast<std::size_t>(found - line.begin());
}

/// Where the white-space character that ends at `end` begins; `end` when there is none.
std::size_t before_space(std::string_view line, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0) {
    --begin;
    if ((static_cast<unsigned char>(line[begin]) & 0xC0) != 0x80) return space_length(line, begin) > 0 ? begin : end;
  }
  return end;
}

/// Without each "items in cart" and one blank before it.
std::string without_cart(std::string_view line) {
  constexpr std::string_view kPhrase = "items in cart";
  std::string result;
  std::size_t from = 0;
  for (std::size_t at = find_phrase(line, kPhrase, 0); at != std::string_view::npos;
       at = find_phrase(line, kPhrase, from)) {
    result += line.substr(from, std::max(before_space(line, at), from) - from);
    from = at + kPhrase.size();
  }
  return result += line.substr(from);
}

/// Without "read more" and three characters at the end, and one blank before them. The published phrase is
/// "Read more...", whose dots its code reads as any character.
std::string_view without_read_more(std::string_view line) {
  std::size_t begin = line.size();
  for (int k = 0; k < 3 && begin > 0; ++k) {
    do --begin;
    while (begin > 0 && (static_cast<unsigned char>(line[begin]) & 0xC0) == 0x80);
  }
  constexpr std::string_view kPhrase = "read more";
  if (count_characters(line.substr(begin)) < 3 || begin < kPhrase.size()) return line;
  const std::size_t at = begin - kPhrase.size();
  if (find_phrase(line.substr(0, begin), kPhrase, at) != at) return line;
  return line.substr(0, before_space(line, at));
}

/// Without "sign-in" at the beginning and one blank behind it.
std::string_view without_sign_in(std::string_view line) {
  constexpr std::string_view kPhrase = "sign-in";
  if (line.size() < kPhrase.size() || find_phrase(line.substr(0, kPhrase.size()), kPhrase, 0) != 0) return line;
  line.remove_prefix(kPhrase.size());
  if (!line.empty()) line.remove_prefix(space_length(line, 0));
  return line;
}

std::uint64_t count_alphanumeric(const std::vector<Word>& words) {
  return static_cast<std::uint64_t>(
      std::count_if(words.begin(), words.end(), [](const Word& word) { return word.has(kBeginsAlphanumeric); }));
}

class DclmLines : public Filter {
 public:
  explicit DclmLines(Disabled disabled) : disabled_(std::move(disabled)) {}

  Judgement judge(TextMeasures& measures, bool explain) const override {
    Verdict verdict(disabled_, explain);
    Edits edits;
    const std::string text = edit(measures, edits);
    if (verdict.open("dclm_removed_words")) {
      const std::uint64_t before = count_alphanumeric(measures.words(Splitter::kWhiteSpace));
      TextMeasures left(text);
      const std::uint64_t after = count_alphanumeric(left.words(Splitter::kWhiteSpace));
      // A cut inside a line can leave more words than there were.
      const double removed = before >= after ? ratio(before - after, before) : -ratio(after - before, before);
      verdict.drop_above("dclm_removed_words", before == 0 ? 1 : removed, kMaxRemovedWords);
    }
    Judgement judgement;
    verdict.finish(judgement);
    if (!judgement.drop && text != measures.text()) judgement.edited = text;
    if (!judgement.drop || explain) judgement.edits = std::move(edits);
    return judgement;
  }

 private:
  bool on(std::string_view part) const { return !disabled_.contains(part); }

  std::string edit(TextMeasures& measures, Edits& edits) const {
    std::string text;
    text.reserve(measures.text().size());
    std::size_t run = 0;      // line feeds since the last line that is not empty
    std::size_t pending = 0;  // line feeds to write before the next line
    for (const std::string_view line : measures.all_lines()) {
      if (!line.empty()) {
        pending += limit_newlines(run, edits);
        run = 0;
        std::string left(line);
        if (const char* rule = edit_line(left); rule != nullptr) {
          edits[rule].num_lines += 1;
          edits[rule].num_bytes += line.size() - left.size() + (left.empty() ? 1 : 0);
        }
        if (left.empty()) {
          pending -= std::min<std::size_t>(pending, 1);
        } else {
          if (!text.empty()) text.append(pending, '\n');
          pending = 0;
          text += left;
        }
      }
      ++run;
    }
    return on("dclm_newlines") ? std::string(trim(text)) : text;
  }

  std::size_t limit_newlines(std::size_t run, Edits& edits) const {
    if (!on("dclm_newlines") || run <= kMaxNewlines) return run;
    edits["dclm_newlines"].num_bytes += run - kMaxNewlines;
    return kMaxNewlines;
  }

  /// Returns the rule that changed the line, or nullptr; a line that goes is empty then.
  const char* edit_line(std::string& line) const {
    const char* rule = remove_line(line);
    if (rule != nullptr) {
      line.clear();
      return rule;
    }
    return on("dclm_boilerplate") ? cut_phrases(line) : nullptr;
  }

  /// Returns the rule that removes a line that is not empty, or nullptr.
  const char* remove_line(std::string_view line) const {
    if (on("dclm_uppercase") && share_with(line, kUppercase) > kMaxUppercase) return "dclm_uppercase";
    if (on("dclm_numeric") && share_with(line, kDigit) > kMaxDigits) return "dclm_numeric";
    if (on("dclm_counter") && is_dclm_counter(line)) return "dclm_counter";
    if (on("dclm_short_line") && split_words(line).size() < kMinWordsPerLine) return "dclm_short_line";
    return nullptr;
  }

  /// Cuts the phrases out of a short line. Returns the rule when something went; a line of which only blanks are left
  /// is empty then.
  static const char* cut_phrases(std::string& line) {
    const std::size_t size = line.size();
    for (int phrase = 0; phrase < 3; ++phrase) {
      if (split_words(line).size() > kMaxWordsOfBoilerplate) continue;
      line = phrase == 0   ? without_cart(line)
             : phrase == 1 ? std::string(without_read_more(line))
                           : std::string(without_sign_in(line));
      if (trim(line).empty()) line.clear();
    }
    return line.size() < size ? "dclm_boilerplate" : nullptr;
  }

  Disabled disabled_;
};

}  // namespace

std::unique_ptr<Filter> make_dclm_lines(Disabled disabled) { return std::make_unique<DclmLines>(std::move(disabled)); }

}  // namespace reprise::data
