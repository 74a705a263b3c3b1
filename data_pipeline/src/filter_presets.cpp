#include "reprise/data_pipeline/filter_presets.h"

#include <fmt/core.h>

#include "reprise/core/error.h"
#include "reprise/core/nearest_name.h"

namespace reprise::data {
namespace {

configs::FilterRule rule(const std::string& name, const std::string& preset, const std::string& disabled = "") {
  configs::FilterRule made;
  made.set_name(name);
  made.set_preset(preset);
  if (!disabled.empty()) made.add_disable(disabled);
  return made;
}

}  // namespace

const std::vector<FilterPreset>& filter_presets() {
  static const std::vector<FilterPreset> presets = {
      {"gopher-paper",
       "quality and repetition rules of Rae et al. 2021",
       {rule("gopher_quality", "gopher-paper"), rule("gopher_repetition", "gopher-paper")}},
      {"dolma-v1.5-as-written",
       "Gopher's rules as Dolma v1.5 ran them; the rules of most frequent n-grams never apply; placeholders",
       {rule("gopher_quality", "dolma-v1.5"), rule("gopher_repetition", "dolma-v1.5-as-written"),
        rule("pii", "dolma-v1.5")}},
      {"dolma-v1.5-intended",
       "the same with the rules of most frequent n-grams, whose names the configuration misspells",
       {rule("gopher_quality", "dolma-v1.5"), rule("gopher_repetition", "dolma-v1.5-intended"),
        rule("pii", "dolma-v1.5")}},
      {"c4-paper", "Raffel et al. 2020: lines of 3 words, pages of 5 sentences", {rule("c4", "c4-paper")}},
      {"c4-tfds", "the code that made C4: lines of 5 words, pages of 3 sentences", {rule("c4", "c4-tfds")}},
      {"fineweb",
       "Penedo et al. 2024: Gopher, C4 without its rule of terminal marks, FineWeb's own rules, placeholders",
       {rule("gopher_repetition", "fineweb"), rule("gopher_quality", "fineweb"),
        rule("c4", "fineweb", "c4_terminal_punctuation"), rule("fineweb_quality", "fineweb"), rule("pii", "fineweb")}},
      {"dclm-heuristics",
       "Li et al. 2024: the heuristic steps of DCLM-Baseline, after RefinedWeb",
       {rule("dclm_urls", "dclm"), rule("gopher_quality", "dclm"), rule("gopher_repetition", "dclm"),
        rule("dclm_lines", "dclm")}},
  };
  return presets;
}

const FilterPreset& find_filter_preset(const std::string& name) {
  std::vector<std::string> names;
  for (const FilterPreset& preset : filter_presets()) {
    if (preset.name == name) return preset;
    names.push_back(preset.name);
  }
  const std::string nearest = nearest_name(name, names);
  throw Error(ErrorKind::kUsage, fmt::format("unknown preset of filters: {}", name),
              nearest.empty() ? "see all: reprise data filter --list" : fmt::format("did you mean \"{}\"?", nearest));
}

std::string recipe_text(const FilterPreset& preset) {
  std::string text;
  for (const configs::FilterRule& entry : preset.rules) {
    text += fmt::format("filter {{ name: \"{}\" preset: \"{}\"", entry.name(), entry.preset());
    for (const std::string& part : entry.disable()) text += fmt::format(" disable: \"{}\"", part);
    text += " }\n";
  }
  return text;
}

}  // namespace reprise::data
