#pragma once
// "Did you mean": the closest known name to a mistyped one.

#include <span>
#include <string>
#include <string_view>

namespace reprise {

/// Returns the candidate with the smallest Levenshtein distance to `name` (ties: the first), or "" when even that
/// one is further away than a third of the longer name, rounded up.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace reprise
