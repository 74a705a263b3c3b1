// The heuristics of C4 (Raffel et al. 2020, section 2.2), read as the reference implementation applies them: line by
// line in one pass. What each preset takes from the paper and from the code: docs/reference/filters.md.

#include <algorithm>
#include <array>

#include "c4_phrases.h"
#include "filter_rules.h"
#include "text_measures.h"
#include "text_units.h"

namespace reprise::data {
namespace {

struct C4Preset {
  std::string_view name;
  std::uint64_t min_words_per_line;
  double min_sentences;
  double max_word_length;
  double max_page_characters;  // 0: no limit
  std::string_view end_quote;  // ends a line too, besides . ? ! "
  bool words_with_citations;   // words of a line are counted before citations are cut out
};
constexpr std::array<C4Preset, 3> kPresets = {{
    {"c4-paper", 3, 5, 1000, 0, "\u201D", false},
    {"c4-tfds", 5, 3, 1000, 190000, "", false},
    {"fineweb", 3, 5, 1000, 0, "'", true},
}};

/// Removes "[edit]", "[citation needed]" and "[" digits "]".
std::string without_citations(std::string_view line) {
  std::string result;
  for (std::size_t i = 0; i < line.size();) {
    const std::string_view rest = line.substr(i);
    std::size_t length = 0;
    for (const std::string_view marker : {std::string_view("[edit]"), std::string_view("[citation needed]")}) {
      if (rest.starts_with(marker)) length = marker.size();
    }
    if (length == 0 && rest.front() == '[') {
      const std::size_t end = rest.find_first_not_of("0123456789", 1);
      if (end != std::string_view::npos && rest[end] == ']') length = end + 1;
    }
    if (length == 0) result.push_back(line[i]);
    i += std::max<std::size_t>(length, 1);
  }
  return result;
}

/// Which parts are on, looked up once.
struct Parts {
  explicit Parts(const Disabled& disabled)
      : terminal_punctuation(!disabled.contains("c4_terminal_punctuation")),
        min_words(!disabled.contains("c4_min_words_per_line")),
        min_sentences(!disabled.contains("c4_min_sentences")),
        javascript(!disabled.contains("c4_javascript")),
        policy(!disabled.contains("c4_policy")),
        lorem_ipsum(!disabled.contains("c4_lorem_ipsum")),
        curly_bracket(!disabled.contains("c4_curly_bracket")),
        max_word_length(!disabled.contains("c4_max_word_length")),
        citations(!disabled.contains("c4_citations")) {}

  bool terminal_punctuation, min_words, min_sentences, javascript, policy, lorem_ipsum, curly_bracket, max_word_length,
      citations;
};

/// One page while its lines are read.
struct Page {
  explicit Page(std::string_view source) : phrases(source), has_bracket(source.find('[') != std::string_view::npos) {}

  C4Phrases phrases;  // which phrases there are on the whole page
  bool has_bracket;
  std::string text;
  Edits edits;
  std::uint64_t num_sentences = 0;
  std::uint64_t lorem_ipsum = 0;  // in the first line that has it
  std::uint64_t curly_brackets = 0;
  std::string_view dropped_by;  // the page rule that stops the reading
};

void record(Edits& edits, const std::string& rule, std::uint64_t lines, std::uint64_t bytes) {
  if (lines == 0 && bytes == 0) return;
  Edit& edit = edits[rule];
  edit.num_lines += lines;
  edit.num_bytes += bytes;
}

class C4 : public Filter {
 public:
  C4(const C4Preset& preset, Disabled disabled) : preset_(preset), disabled_(std::move(disabled)), parts_(disabled_) {}

  Judgement judge(TextMeasures& measures, bool explain) const override {
    Verdict verdict(disabled_, explain);
    if (preset_.max_page_characters > 0 && verdict.open("c4_page_length")) {
      verdict.drop_above("c4_page_length", static_cast<double>(measures.num_characters()), preset_.max_page_characters);
    }
    Page page(measures.text());
    if (!verdict.closed()) read_page(measures.text(), explain, page);
    judge_page(page, verdict);
    Judgement judgement;
    verdict.finish(judgement);
    if (!judgement.drop && page.text != measures.text()) judgement.edited = std::move(page.text);
    if (!judgement.drop || explain) judgement.edits = std::move(page.edits);
    return judgement;
  }

 private:
  void read_page(std::string_view text, bool explain, Page& page) const {
    page.text.reserve(text.size());
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      read_line(text.substr(begin, end - begin), explain, page);
      if (!page.dropped_by.empty() && !explain) return;
      begin = end + 1;
    }
  }

  /// The rule that stops at a line comes first, then the sentences; to explain, in the order of the page rules.
  void judge_page(const Page& page, Verdict& verdict) const {
    const auto judge = [&](std::string_view rule, std::uint64_t value) {
      if (verdict.open(rule)) verdict.drop_above(rule, static_cast<double>(value), 0);
    };
    const bool bracket_first = page.dropped_by == "c4_curly_bracket";
    if (bracket_first) judge("c4_curly_bracket", page.curly_brackets);
    judge("c4_lorem_ipsum", page.lorem_ipsum);
    if (!bracket_first) judge("c4_curly_bracket", page.curly_brackets);
    if (verdict.open("c4_min_sentences")) {
      verdict.drop_below("c4_min_sentences", static_cast<double>(page.num_sentences), preset_.min_sentences);
    }
  }

  void read_line(std::string_view raw, bool explain, Page& page) const {
    const std::string_view stripped = trim(raw);
    std::string cut;
    std::string_view line = stripped;
    if (page.has_bracket && parts_.citations && stripped.find('[') != std::string_view::npos) {
      cut = without_citations(stripped);
      line = cut;
    }
    const bool cited = line.size() < stripped.size();
    line = trim(line);
    const char* removed_by = line_rule(stripped, line, page);
    if (removed_by != nullptr) return record(page.edits, removed_by, 1, raw.size() + 1);
    if (line.empty()) return record(page.edits, "c4_white_space", 1, raw.size() + 1);
    if (cited) record(page.edits, "c4_citations", 1, stripped.size() - line.size());
    const std::size_t blanks = raw.size() - (cited ? stripped.size() : line.size());
    if (blanks > 0) record(page.edits, "c4_white_space", 0, blanks);
    // Sentences beyond the threshold matter to a reader alone.
    if (explain || (parts_.min_sentences && static_cast<double>(page.num_sentences) < preset_.min_sentences)) {
      page.num_sentences += count_sentences(line);
    }
    if (!page.text.empty()) page.text.push_back('\n');
    page.text.append(line);
  }

  /// Returns the rule that removes the line, or nullptr; what page rules find goes to `page`. Blank lines are left to
  /// the caller.
  const char* line_rule(std::string_view stripped, std::string_view line, Page& page) const {
    if (stripped.empty()) return nullptr;
    if (parts_.max_word_length && has_long_word(stripped)) return "c4_max_word_length";
    if (parts_.terminal_punctuation && !has_terminal_mark(line)) return "c4_terminal_punctuation";
    if (parts_.min_words && has_fewer_words(preset_.words_with_citations ? stripped : line)) {
      return "c4_min_words_per_line";
    }
    if (parts_.lorem_ipsum) {
      find(page.lorem_ipsum, page.phrases.count_lorem_ipsum(line), "c4_lorem_ipsum", page);
    }
    if (parts_.javascript && page.phrases.has_javascript(line)) return "c4_javascript";
    if (parts_.curly_bracket) {
      find(page.curly_brackets, count_occurrences(line, "{"), "c4_curly_bracket", page);
    }
    if (parts_.policy && page.phrases.has_policy(line)) return "c4_policy";
    return nullptr;
  }

  static void find(std::uint64_t& first, std::uint64_t found, std::string_view rule, Page& page) {
    if (found == 0) return;
    if (page.dropped_by.empty()) page.dropped_by = rule;
    if (first == 0) first = found;
  }

  bool has_fewer_words(std::string_view line) const {
    std::uint64_t words = 0;
    bool in_word = false;
    for (std::size_t position = 0; position < line.size() && words < preset_.min_words_per_line;) {
      const std::size_t length = space_length(line, position);
      if (length == 0 && !in_word) ++words;
      in_word = length == 0;
      position += std::max<std::size_t>(length, 1);
    }
    return words < preset_.min_words_per_line;
  }

  bool has_long_word(std::string_view line) const {
    if (static_cast<double>(line.size()) <= preset_.max_word_length) return false;
    const std::vector<std::string_view> words = split_words(line);
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
      return static_cast<double>(count_characters(word)) > preset_.max_word_length;
    });
  }

  bool has_terminal_mark(std::string_view line) const {
    if (line.ends_with("...")) return false;
    return line.ends_with('.') || line.ends_with('?') || line.ends_with('!') || line.ends_with('"') ||
           (!preset_.end_quote.empty() && line.ends_with(preset_.end_quote));
  }

  const C4Preset& preset_;
  Disabled disabled_;
  Parts parts_;
};

}  // namespace

std::unique_ptr<Filter> make_c4(std::string_view preset, Disabled disabled) {
  const auto found = std::find_if(kPresets.begin(), kPresets.end(),
                                  [&](const C4Preset& candidate) { return candidate.name == preset; });
  REPRISE_CHECK(found != kPresets.end());
  return std::make_unique<C4>(*found, std::move(disabled));
}

}  // namespace reprise::data
