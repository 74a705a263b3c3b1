#include "reprise/data_pipeline/filters.h"

#include <algorithm>

#include "filter_rules.h"
#include "reprise/configs/filter_names.h"
#include "reprise/core/error.h"
#include "reprise/core/nearest_name.h"

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
