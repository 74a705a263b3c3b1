#pragma once
// Text out of a manual page in troff's man or mdoc macros. Input and output are well-formed UTF-8. Pure; thread-safe.

#include <string>
#include <string_view>

namespace reprise::data {

/// Running text, one paragraph a line, without requests, comments, examples and tables; paragraphs shorter than 30
/// characters go.
std::string manual_page_text(std::string_view page);

}  // namespace reprise::data
