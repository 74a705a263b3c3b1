#pragma once
// Text out of HTML and XML: rules, not a parser, so that broken markup has a defined text too. Input and output are
// well-formed UTF-8. Pure; thread-safe.

#include <string>
#include <string_view>

namespace reprise::data {

/// An HTML page without scripts, navigation, heads and feet; one line per block, lines shorter than 25 characters left
/// out.
std::string html_text(std::string_view page);

/// A Mallard or other XML page: <info> goes too, lines of 15 characters stay.
std::string xml_text(std::string_view page);

/// The <body> of a TEI edition without notes and page breaks.
std::string tei_text(std::string_view page);

/// One block of a SWORD module: without titles, notes and tags, entities resolved, single spaces, stripped.
std::string sword_text(std::string_view block);

}  // namespace reprise::data
