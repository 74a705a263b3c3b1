#include "reprise/data_pipeline/filters.h"

#include <algorithm>
#include <iterator>

#include "filter_rules.h"
#include "reprise/configs/filter_names.h"
#include "reprise/core/error.h"
#include "reprise/core/nearest_name.h"
#include "text_measures.h"

namespace reprise::data {
namespace {

std::string hint_for(const std::string& name, const std::vector<std::string>& known) {
  const std::string nearest = nearest_name(name, known);
  if (!nearest.empty()) return fmt::format("did you mean \"{}\"?", nearest);
  std::string list;
  for (const std::string& candidate : known) list += (list.empty() ? "" : ", ") + candidate;
  return fmt::format("known: {}", list);
}

const configs::KnownFilter& find_known(const std::string& name) {
  const configs::KnownFilter* known = configs::find_filter(name);
  if (known != nullptr) return *known;
  throw Error(ErrorKind::kConfig, fmt::format("unknown filter: recipe.data.filter.name: {}", name),
              hint_for(name, configs::filter_names()));
}

void check_member(const std::string& value, const std::vector<std::string>& known, const std::string& what) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  throw Error(ErrorKind::kConfig, fmt::format("unknown {}: {}", what, value), hint_for(value, known));
}

template <typename Names>
bool names_it(const Names& names, const std::string& value) {
  return names.empty() || std::find(names.begin(), names.end(), value) != names.end();
}

void add_edits(Edits& sum, const Edits& edits) {
  for (const auto& [rule, edit] : edits) {
    sum[rule].num_lines += edit.num_lines;
    sum[rule].num_bytes += edit.num_bytes;
  }
}

}  // namespace

std::unique_ptr<Filter> make_filter(const configs::FilterRule& rule) {
  const configs::KnownFilter& kind = find_known(rule.name());
  const std::string preset = rule.preset().empty() ? kind.presets.front() : rule.preset();
  check_member(preset, kind.presets, fmt::format("preset of filter {}", kind.name));
  Disabled disabled;
  for (const std::string& part : rule.disable()) {
    check_member(part, kind.parts, fmt::format("part of filter {}", kind.name));
    disabled.insert(part);
  }
  if (kind.name == "gopher_quality") return make_gopher_quality(preset, std::move(disabled));
  if (kind.name == "gopher_repetition") return make_gopher_repetition(preset, std::move(disabled));
  if (kind.name == "c4") return make_c4(preset, std::move(disabled));
  if (kind.name == "fineweb_quality") return make_fineweb_quality(std::move(disabled));
  if (kind.name == "dclm_urls") return make_dclm_urls(preset, std::move(disabled));
  if (kind.name == "dclm_lines") return make_dclm_lines(std::move(disabled));
  REPRISE_CHECK(kind.name == "pii");
  return make_pii(preset, std::move(disabled));
}

bool is_meant(const configs::FilterRule& rule, const Document& document) {
  return names_it(rule.kind(), document.kind) && names_it(rule.language(), document.language);
}

std::optional<Drop> Filter::apply(std::string& text, Edits& edits) const {
  TextMeasures measures(text);
  Judgement judgement = judge(measures, false);
  if (judgement.drop) return std::move(judgement.drop);
  add_edits(edits, judgement.edits);
  if (judgement.edited) text = std::move(*judgement.edited);
  return std::nullopt;
}

FilterChain::FilterChain(const configs::DataRecipe& recipe) {
  for (const configs::FilterRule& rule : recipe.filter()) entries_.push_back({rule, make_filter(rule)});
}

FilterChain::FilterChain(std::span<const configs::FilterRule> rules) {
  for (const configs::FilterRule& rule : rules) entries_.push_back({rule, make_filter(rule)});
}

std::optional<Drop> FilterChain::apply(Document& document, Edits& edits) const {
  Judgement judgement = judge(document, false);
  add_edits(edits, judgement.edits);
  return std::move(judgement.drop);
}

Judgement FilterChain::explain(Document& document) const { return judge(document, true); }

Judgement FilterChain::judge(Document& document, bool explain) const {
  Judgement whole;
  const auto drop_empty = [&] {
    if (explain) whole.measures.push_back({"empty_text", 0, 1, true, false});
    if (!whole.drop) whole.drop = Drop{"empty_text", 0, 1};
  };
  if (document.text.empty()) {
    drop_empty();
    return whole;
  }
  // What a later filter judges; document.text stays as the filter that dropped it saw it.
  std::string text = document.text;
  std::optional<TextMeasures> measures(std::in_place, text);
  for (const Entry& entry : entries_) {
    if (!is_meant(entry.rule, document)) continue;
    Judgement judgement = entry.filter->judge(*measures, explain);
    std::move(judgement.measures.begin(), judgement.measures.end(), std::back_inserter(whole.measures));
    if (judgement.drop && !whole.drop) whole.drop = std::move(judgement.drop);
    if (whole.drop && !explain) return whole;
    add_edits(whole.edits, judgement.edits);
    if (!judgement.edited) continue;
    if (judgement.edited->empty()) {
      drop_empty();
      return whole;
    }
    text = std::move(*judgement.edited);
    measures.emplace(text);
    if (!whole.drop) document.text = text;
  }
  return whole;
}

}  // namespace reprise::data
