// The heuristics of C4 (Raffel et al. 2020, section 2.2), read as the reference implementation applies them: line by
// line in one pass. What each preset takes from the paper and from the code: docs/reference/filters.md.

#include <algorithm>
#include <array>

#include "filter_rules.h"
#include "text_units.h"

namespace reprise::data {
namespace {

struct C4Preset {
  std::string_view name;
  double min_words_per_line;
  double min_sentences;
  double max_word_length;
  double max_page_characters;  // 0: no limit
  bool curly_end_quote;        // U+201D ends a line too
};
constexpr std::array<C4Preset, 2> kPresets = {{
    {"c4-paper", 3, 5, 1000, 0, true},
    {"c4-tfds", 5, 3, 1000, 190000, false},
}};

constexpr std::array<std::string_view, 6> kPolicyPhrases = {"terms of use", "privacy policy", "cookie policy",
                                                            "uses cookies", "use of cookies", "use cookies"};

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

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

class C4 : public Filter {
 public:
  C4(const C4Preset& preset, Disabled disabled) : preset_(preset), disabled_(std::move(disabled)) {}

  std::optional<Drop> apply(std::string& text, Edits& edits) const override {
    Verdict verdict(disabled_);
    if (preset_.max_page_characters > 0 && verdict.open("c4_page_length")) {
      verdict.drop_above("c4_page_length", static_cast<double>(count_characters(text)), preset_.max_page_characters);
    }
    Page page;
    for (std::size_t begin = 0; begin <= text.size() && !verdict.dropped();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      read_line(std::string_view(text).substr(begin, end - begin), page, verdict);
      begin = end + 1;
    }
    if (verdict.open("c4_min_sentences")) {
      verdict.drop_below("c4_min_sentences", static_cast<double>(page.num_sentences), preset_.min_sentences);
    }
    if (!verdict.dropped()) {
      text = std::move(page.text);
      for (const auto& [rule, edit] : page.edits) {
        edits[rule].num_lines += edit.num_lines;
        edits[rule].num_bytes += edit.num_bytes;
      }
    }
    return verdict.take();
  }

 private:
  struct Page {
    std::string text;
    Edits edits;
    std::uint64_t num_sentences = 0;
  };

  static void record(Edits& edits, const std::string& rule, std::uint64_t lines, std::uint64_t bytes) {
    if (lines == 0 && bytes == 0) return;
    edits[rule].num_lines += lines;
    edits[rule].num_bytes += bytes;
  }

  void read_line(std::string_view raw, Page& page, Verdict& verdict) const {
    const std::string_view stripped = trim(raw);
    const std::string whole = verdict.open("c4_citations") ? without_citations(stripped) : std::string(stripped);
    const std::string_view line = trim(whole);
    const std::string removed_by = line_rule(stripped, line, verdict);
    if (verdict.dropped()) return;
    if (!removed_by.empty()) return record(page.edits, removed_by, 1, raw.size() + 1);
    if (line.empty()) return record(page.edits, "c4_white_space", 1, raw.size() + 1);
    const bool cited = whole.size() < stripped.size();
    record(page.edits, "c4_citations", cited ? 1 : 0, cited ? stripped.size() - line.size() : 0);
    record(page.edits, "c4_white_space", 0, raw.size() - (cited ? stripped.size() : line.size()));
    page.num_sentences += count_sentences(line);
    if (!page.text.empty()) page.text.push_back('\n');
    page.text.append(line);
  }

  /// Returns the rule that removes the line, or ""; a page rule goes to `verdict`. Blank lines are left to the caller.
  std::string line_rule(std::string_view stripped, std::string_view line, Verdict& verdict) const {
    if (stripped.empty()) return {};
    if (verdict.open("c4_max_word_length") && has_long_word(stripped)) return "c4_max_word_length";
    if (verdict.open("c4_terminal_punctuation") && !has_terminal_mark(line)) return "c4_terminal_punctuation";
    if (verdict.open("c4_min_words_per_line") &&
        static_cast<double>(split_words(line).size()) < preset_.min_words_per_line) {
      return "c4_min_words_per_line";
    }
    const std::string lower = lower_ascii(line);
    if (verdict.open("c4_lorem_ipsum")) {
      verdict.drop_above("c4_lorem_ipsum", static_cast<double>(count_occurrences(lower, "lorem ipsum")), 0);
    }
    if (verdict.open("c4_javascript") && lower.find("javascript") != std::string::npos) return "c4_javascript";
    if (verdict.open("c4_curly_bracket")) {
      verdict.drop_above("c4_curly_bracket", static_cast<double>(count_occurrences(line, "{")), 0);
    }
    if (verdict.open("c4_policy") && has_policy_phrase(lower)) return "c4_policy";
    return {};
  }

  bool has_long_word(std::string_view line) const {
    if (line.size() <= preset_.max_word_length) return false;
    const std::vector<std::string_view> words = split_words(line);
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
      return static_cast<double>(count_characters(word)) > preset_.max_word_length;
    });
  }

  bool has_terminal_mark(std::string_view line) const {
    if (line.ends_with("...")) return false;
    return line.ends_with('.') || line.ends_with('?') || line.ends_with('!') || line.ends_with('"') ||
           (preset_.curly_end_quote && line.ends_with("\u201D"));
  }

  static bool has_policy_phrase(const std::string& lower) {
    return std::any_of(kPolicyPhrases.begin(), kPolicyPhrases.end(),
                       [&](std::string_view phrase) { return lower.find(phrase) != std::string::npos; });
  }

  const C4Preset& preset_;
  Disabled disabled_;
};

}  // namespace

std::unique_ptr<Filter> make_c4(std::string_view preset, Disabled disabled) {
  const auto found = std::find_if(kPresets.begin(), kPresets.end(),
                                  [&](const C4Preset& candidate) { return candidate.name == preset; });
  REPRISE_CHECK(found != kPresets.end());
  return std::make_unique<C4>(*found, std::move(disabled));
}

}  // namespace reprise::data
