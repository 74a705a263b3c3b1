#pragma once
// Whole published filter chains by name (docs/reference/filters.md). Each is a list of recipe.data.filter entries, so
// that a recipe can take it over and change it.

#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"

namespace reprise::data {

struct FilterPreset {
  std::string name;
  std::string summary;  // one line
  std::vector<configs::FilterRule> rules;
};

/// Every preset, in the order of the documentation.
const std::vector<FilterPreset>& filter_presets();

/// Throws kUsage with the nearest name for an unknown one.
const FilterPreset& find_filter_preset(const std::string& name);

/// The rules as lines of a recipe: `filter { name: "c4" preset: "c4-paper" }`.
std::string recipe_text(const FilterPreset& preset);

}  // namespace reprise::data
