#pragma once
// Names that a FilterRule may hold. The rules themselves are in data_pipeline/, which reads these names.

#include <string>
#include <string_view>
#include <vector>

namespace reprise::configs {

struct KnownFilter {
  std::string name;
  std::vector<std::string> presets;  // the first is taken when none is given
  std::vector<std::string> parts;    // what `disable` may name
};

/// Every filter, in the order of the documentation.
const std::vector<KnownFilter>& known_filters();

/// Returns the filter called `name`, or nullptr.
const KnownFilter* find_filter(std::string_view name);

/// The names of known_filters().
std::vector<std::string> filter_names();

}  // namespace reprise::configs
