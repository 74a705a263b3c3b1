#pragma once
// "3 likes", "1.2K views": the lines that DCLM calls counters.

#include <string_view>

namespace reprise::data {

/// Whether a line is a number, with commas and points and perhaps K, M or B, white space, and one of the counted
/// things, without regard to ASCII case, between characters that are neither letter, number nor underscore.
bool is_dclm_counter(std::string_view line);

}  // namespace reprise::data
