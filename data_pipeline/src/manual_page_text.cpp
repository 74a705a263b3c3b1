#include "manual_page_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "assembly_characters.h"
#include "assembly_text.h"
#include "text_normaliser.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::size_t kNotFound = std::string_view::npos;
constexpr std::size_t kMinParagraph = 30;  // characters

constexpr std::array<std::string_view, 3> kBeginsVerbatim = {"nf", "EX", "TS"};
constexpr std::array<std::string_view, 3> kEndsVerbatim = {"fi", "EE", "TE"};
constexpr std::array<std::string_view, 3> kHeadings = {"SH", "SS", "Sh"};
constexpr std::array<std::string_view, 17> kBreaks = {"PP", "P",  "LP", "TP", "IP", "SH", "SS", "HP", "br",
                                                      "sp", "RS", "RE", "Pp", "It", "Sh", "El", "Bl"};
constexpr std::array<std::string_view, 10> kFonts = {"B", "I", "BR", "IR", "RB", "RI", "BI", "IB", "SM", "SB"};

/// Escapes and what they stand for, in the order in which they are replaced.
constexpr std::array<std::array<std::string_view, 2>, 15> kEscapes = {{{"\\-", "-"},
                                                                       {"\\&", ""},
                                                                       {"\\ ", " "},
                                                                       {"\\e", "\\"},
                                                                       {"\\(aq", "'"},
                                                                       {"\\(co", "(c)"},
                                                                       {"\\(bu", "*"},
                                                                       {"\\~", " "},
                                                                       {"\\,", ""},
                                                                       {"\\/", ""},
                                                                       {"\\:", ""},
                                                                       {"\\%", ""},
                                                                       {"\\[aq]", "'"},
                                                                       {"\\(lq", "\""},
                                                                       {"\\(rq", "\""}}};

bool is_control(std::string_view line) { return !line.empty() && (line[0] == '.' || line[0] == '\''); }

/// Whether a control line begins with one of these names, whatever follows.
bool begins_with(std::string_view line, Names names) {
  return is_control(line) && std::any_of(names.begin(), names.end(),
                                         [&](std::string_view name) { return line.substr(1).starts_with(name); });
}

/// The word behind the control character.
std::string_view macro_of(std::string_view line) {
  if (!is_control(line)) return {};
  std::size_t end = 1;
  while (word_at(line, end)) end += decode_character(line, end).num_bytes;
  return line.substr(1, end - 1);
}

bool contains(Names names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

/// The arguments of a font macro: in quotes or up to the next white space; joined without a space for macros that
/// alternate between two fonts.
std::string join_arguments(std::string_view arguments, bool alternating) {
  std::string joined;
  bool first = true;
  for (std::size_t at = skip_space(arguments, 0); at < arguments.size(); at = skip_space(arguments, at)) {
    if (!first && !alternating) joined += ' ';
    first = false;
    const std::size_t quote = arguments[at] == '"' ? arguments.find('"', at + 1) : kNotFound;
    if (quote != kNotFound) {
      joined.append(arguments.substr(at + 1, quote - at - 1));
      at = quote + 1;
      continue;
    }
    const std::size_t start = at;
    while (at < arguments.size() && skip_space(arguments, at) == at) at += decode_character(arguments, at).num_bytes;
    joined.append(arguments.substr(start, at - start));
  }
  return joined;
}

/// The text of ".B text" and its like; nothing when the line is no font macro with an argument.
std::optional<std::string> font_text(std::string_view line) {
  const std::string_view macro = macro_of(line);
  if (!contains(kFonts, macro)) return std::nullopt;
  const std::size_t start = skip_space(line, 1 + macro.size());
  if (start == 1 + macro.size()) return std::nullopt;
  return join_arguments(line.substr(start), macro.size() == 2);
}

/// Where the `count` characters at `position` end; npos when the line is shorter.
std::size_t after_characters(std::string_view line, std::size_t position, int count) {
  for (; count > 0; --count) {
    if (position >= line.size()) return kNotFound;
    position += decode_character(line, position).num_bytes;
  }
  return position;
}

/// Where the name at `position` ends: "[...]" or "(xx"; npos for anything else.
std::size_t end_of_name(std::string_view line, std::size_t position) {
  if (position >= line.size()) return kNotFound;
  if (line[position] == '[') {
    const std::size_t close = line.find(']', position);
    return close == kNotFound ? kNotFound : close + 1;
  }
  return line[position] == '(' ? after_characters(line, position + 1, 2) : kNotFound;
}

/// \fB, \f(BI, \f[B]
std::size_t end_of_font(std::string_view line, std::size_t escape) {
  if (!line.substr(escape).starts_with("\\f")) return kNotFound;
  const std::size_t named = end_of_name(line, escape + 2);
  return named != kNotFound ? named : after_characters(line, escape + 2, 1);
}

/// \s-1
std::size_t end_of_size(std::string_view line, std::size_t escape) {
  if (!line.substr(escape).starts_with("\\s")) return kNotFound;
  std::size_t at = escape + 2;
  if (at < line.size() && (line[at] == '-' || line[at] == '+')) ++at;
  if (at >= line.size() || !is_decimal(decode_character(line, at).code_point)) return kNotFound;
  return after_characters(line, at, 1);
}

/// What is left: \[...], \(xx, \*x
std::size_t end_of_other(std::string_view line, std::size_t escape) {
  if (escape + 1 < line.size() && line[escape + 1] == '*') return after_characters(line, escape + 2, 1);
  return end_of_name(line, escape + 1);
}

using EndOfEscape = std::size_t (*)(std::string_view, std::size_t);

std::string without_escapes(std::string_view line, EndOfEscape end_of_escape) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t escape = line.find('\\'); escape != kNotFound;) {
    const std::size_t end = end_of_escape(line, escape);
    if (end == kNotFound) {
      escape = line.find('\\', escape + 1);
      continue;
    }
    out.append(line.substr(copied, escape - copied));
    copied = end;
    escape = line.find('\\', end);
  }
  return out.append(line.substr(copied));
}

int hexadecimal_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// \[u00E9] becomes the character; a surrogate, which is none, U+FFFD.
std::string resolve_code_points(std::string_view line) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t start = line.find("\\[u"); start != kNotFound; start = line.find("\\[u", start + 1)) {
    std::size_t at = start + 3;
    std::uint32_t code_point = 0;
    for (; at < line.size() && at < start + 8 && hexadecimal_value(line[at]) >= 0; ++at) {
      code_point = code_point * 16 + static_cast<std::uint32_t>(hexadecimal_value(line[at]));
    }
    if (at < start + 7 || at >= line.size() || line[at] != ']') continue;
    out.append(line.substr(copied, start - copied));
    append_utf8(out, code_point >= 0xD800 && code_point <= 0xDFFF ? 0xFFFD : code_point);
    copied = at + 1;
  }
  return out.append(line.substr(copied));
}

std::string resolve_escapes(std::string_view line) {
  std::string out = without_escapes(without_escapes(line, end_of_font), end_of_size);
  for (const auto& [escape, text] : kEscapes) out = replace_all(out, escape, text);
  return without_escapes(resolve_code_points(out), end_of_other);
}

/// Appends what a line outside examples and tables says.
void append_line(std::string_view line, std::string& out) {
  const std::string_view macro = macro_of(line);
  if (contains(kBreaks, macro)) {
    out += '\n';
    line = contains(kHeadings, macro) ? line.substr(skip_space(line, 1 + macro.size())) : std::string_view();
  }
  const std::optional<std::string> font = font_text(line);
  if (!font && is_control(line)) return;
  out.append(resolve_escapes(font ? *font : std::string(line))) += ' ';
}

}  // namespace

std::string manual_page_text(std::string_view page) {
  std::string out;
  bool verbatim = false;
  for (const std::string_view line : lines_between_feeds(page)) {
    if (line.starts_with("'\\\"") || line.starts_with(".\\\"")) continue;
    if (begins_with(line, kBeginsVerbatim)) {
      verbatim = true;
    } else if (begins_with(line, kEndsVerbatim)) {
      verbatim = false;
    } else if (!verbatim) {
      append_line(line, out);
    }
  }
  return clean_lines(out, kMinParagraph);
}

}  // namespace reprise::data
