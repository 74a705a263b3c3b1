#pragma once
// The list `sentences` of a Python file of example sentences. Pure; thread-safe.

#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

/// For each assignment `sentences = [...]` at the top level of `program`, its strings, one a line. Knows comments and
/// plain string literals, which may stand side by side; anything else in the list throws kData with line and place.
std::vector<std::string> example_sentences(std::string_view program, std::string_view path);

}  // namespace reprise::data
