#pragma once
// Character references of HTML 5 in text. Pure; thread-safe.

#include <string>
#include <string_view>

namespace reprise::data {

/// The packed list of names; src/html_entity_table.cpp says how.
extern const char kHtmlEntityTable[];

/// Replaces "&amp;", "&#38;" and "&#x26;" by what they stand for, as HTML 5 reads them: with or without the semicolon,
/// by the longest known name ("&notit;" is U+00AC and "it;"). A code point that HTML 5 forbids becomes nothing, one
/// that does not exist U+FFFD. `text` is well-formed UTF-8.
std::string resolve_html_entities(std::string_view text);

}  // namespace reprise::data
