#pragma once
// Translated messages out of a gettext catalogue. Input and output are well-formed UTF-8. Pure; thread-safe.

#include <string>
#include <string_view>

namespace reprise::data {

/// The translations of a .po file, one a line: not fuzzy, at least 25 characters, other than the original, each once;
/// placeholders such as "%(name)s" become an ellipsis.
std::string catalogue_text(std::string_view catalogue);

}  // namespace reprise::data
