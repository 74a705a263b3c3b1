#pragma once
// JSON as we write it: no white space, escapes only where JSON demands them, numbers as the shortest that read back.

#include <simdjson.h>

#include <string>
#include <string_view>

namespace reprise::data {

/// Appends `value` in quotes.
void append_json_string(std::string& text, std::string_view value);

/// Appends any value; members and elements in their order. Our own, for a library's spelling of numbers may change.
void append_json_value(std::string& text, simdjson::dom::element value);

}  // namespace reprise::data
