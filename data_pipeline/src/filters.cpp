#include "reprise/data_pipeline/filters.h"

#include <algorithm>
#include <array>

#include "filter_rules.h"
#include "reprise/core/error.h"
#include "reprise/core/nearest_name.h"

namespace reprise::data {
namespace {

struct FilterKind {
  std::string name;
  std::vector<std::string> presets;  // the first is taken when none is given
  std::vector<std::string> parts;
};

const std::array<FilterKind, 3>& filter_kinds() {
  static const std::array<FilterKind, 3> kinds = {{
      {"gopher_quality",
       {"gopher-paper"},
       {"gopher_word_count", "gopher_mean_word_length", "gopher_symbol_ratio", "gopher_bullet_lines",
        "gopher_ellipsis_lines", "gopher_alphabetic_words", "gopher_stop_words"}},
      {"gopher_repetition",
       {"gopher-paper"},
       {"gopher_duplicate_lines", "gopher_duplicate_paragraphs", "gopher_duplicate_line_characters",
        "gopher_duplicate_paragraph_characters", "gopher_top_ngrams", "gopher_duplicate_ngrams"}},
      {"c4",
       {"c4-paper", "c4-tfds"},
       {"c4_terminal_punctuation", "c4_min_words_per_line", "c4_min_sentences", "c4_javascript", "c4_policy",
        "c4_lorem_ipsum", "c4_curly_bracket", "c4_max_word_length", "c4_citations", "c4_page_length"}},
  }};
  return kinds;
}

std::string hint_for(const std::string& name, const std::vector<std::string>& known) {
  const std::string nearest = nearest_name(name, known);
  if (!nearest.empty()) return fmt::format("did you mean \"{}\"?", nearest);
  std::string list;
  for (const std::string& candidate : known) list += (list.empty() ? "" : ", ") + candidate;
  return fmt::format("known: {}", list);
}

const FilterKind& find_kind(const std::string& name) {
  std::vector<std::string> names;
  for (const FilterKind& kind : filter_kinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
  }
  throw Error(ErrorKind::kConfig, fmt::format("unknown filter: recipe.data.filter.name: {}", name),
              hint_for(name, names));
}

void check_member(const std::string& value, const std::vector<std::string>& known, const std::string& what) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  throw Error(ErrorKind::kConfig, fmt::format("unknown {}: {}", what, value), hint_for(value, known));
}

template <typename Names>
bool names_it(const Names& names, const std::string& value) {
  return names.empty() || std::find(names.begin(), names.end(), value) != names.end();
}

}  // namespace

std::vector<std::string> filter_parts(std::string_view filter) {
  for (const FilterKind& kind : filter_kinds()) {
    if (kind.name == filter) return kind.parts;
  }
  return {};
}

std::unique_ptr<Filter> make_filter(const configs::FilterRule& rule) {
  const FilterKind& kind = find_kind(rule.name());
  const std::string preset = rule.preset().empty() ? kind.presets.front() : rule.preset();
  check_member(preset, kind.presets, fmt::format("preset of filter {}", kind.name));
  Disabled disabled;
  for (const std::string& part : rule.disable()) {
    check_member(part, kind.parts, fmt::format("part of filter {}", kind.name));
    disabled.insert(part);
  }
  if (kind.name == "gopher_quality") return make_gopher_quality(std::move(disabled));
  if (kind.name == "gopher_repetition") return make_gopher_repetition(std::move(disabled));
  return make_c4(preset, std::move(disabled));
}

FilterChain::FilterChain(const configs::DataRecipe& recipe) {
  for (const configs::FilterRule& rule : recipe.filter()) entries_.push_back({rule, make_filter(rule)});
}

std::optional<Drop> FilterChain::apply(Document& document, Edits& edits) const {
  if (document.text.empty()) return Drop{"empty_text", 0, 1};
  for (const Entry& entry : entries_) {
    if (!names_it(entry.rule.kind(), document.kind) || !names_it(entry.rule.language(), document.language)) continue;
    std::string text = document.text;
    if (std::optional<Drop> drop = entry.filter->apply(text, edits)) return drop;
    if (text.empty()) return Drop{"empty_text", 0, 1};
    document.text = std::move(text);
  }
  return std::nullopt;
}

}  // namespace reprise::data
