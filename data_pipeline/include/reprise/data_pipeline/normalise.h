#pragma once
// The clean-up of a text before any rule sees it. Pure functions; thread-safe.

#include <string>
#include <string_view>

namespace reprise::data {

/// Returns `text`, which must be well-formed UTF-8, by normalisation "v1" (docs/formats/documents.md):
/// line ends become LF, control characters go, white space at line ends and blank lines at both ends go. Applying it
/// twice changes nothing more.
std::string normalise_v1(std::string_view text);

}  // namespace reprise::data
