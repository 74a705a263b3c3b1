#include "html_entities.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::size_t kLongestName = 32;  // characters of "&name" that are looked at
constexpr std::uint32_t kReplacement = 0xFFFD;
constexpr std::uint32_t kLastCodePoint = 0x10FFFF;

using Entity = std::pair<std::string_view, std::string>;

std::string decode_points(std::string_view points) {
  std::string text;
  while (!points.empty()) {
    const std::size_t plus = std::min(points.find('+'), points.size());
    append_utf8(text,
                static_cast<std::uint32_t>(std::strtoul(std::string(points.substr(0, plus)).c_str(), nullptr, 16)));
    points.remove_prefix(std::min(plus + 1, points.size()));
  }
  return text;
}

const std::vector<Entity>& entities() {
  static const std::vector<Entity> table = [] {
    std::vector<Entity> rows;
    std::string_view rest = kHtmlEntityTable;
    while (!rest.empty()) {
      const std::size_t end = rest.find(',');
      const std::string_view row = rest.substr(0, end);
      const std::size_t space = row.find(' ');
      rows.emplace_back(row.substr(0, space), decode_points(row.substr(space + 1)));
      rest.remove_prefix(end + 1);
    }
    return rows;
  }();
  return table;
}

const std::string* find_entity(std::string_view name) {
  const std::vector<Entity>& table = entities();
  const auto found =
      std::lower_bound(table.begin(), table.end(), name,
                       [](const Entity& entity, std::string_view wanted) { return entity.first < wanted; });
  return found != table.end() && found->first == name ? &found->second : nullptr;
}

/// What HTML 5 reads for the numbers 0x80 to 0x9F: those of Windows-1252 where it has one, the control itself
/// elsewhere.
constexpr std::array<std::uint32_t, 32> kWindows1252 = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                                        0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                                        0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                                        0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

bool is_forbidden(std::uint32_t number) {
  return (number >= 0x1 && number <= 0x8) || number == 0xB || (number >= 0xE && number <= 0x1F) || number == 0x7F ||
         (number >= 0xFDD0 && number <= 0xFDEF) || (number & 0xFFFE) == 0xFFFE;
}

void append_number(std::string& out, std::uint32_t number) {
  if (number >= 0x80 && number <= 0x9F) {
    append_utf8(out, kWindows1252[number - 0x80]);
  } else if (number == 0 || (number >= 0xD800 && number <= 0xDFFF) || number > kLastCodePoint) {
    append_utf8(out, kReplacement);
  } else if (!is_forbidden(number)) {
    append_utf8(out, number);
  }
}

int digit_value(char c, int base) {
  if (c >= '0' && c <= '9') return c - '0';
  if (base == 16 && c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (base == 16 && c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Reads "#38;" or "#x26;" at `position`, behind the '&'. Returns where it ends, or `position` when it is none.
std::size_t read_number(std::string_view text, std::size_t position, std::string& out) {
  std::size_t at = position + 1;
  const bool hexadecimal = at < text.size() && (text[at] == 'x' || text[at] == 'X');
  if (hexadecimal) ++at;
  const int base = hexadecimal ? 16 : 10;
  const std::size_t first = at;
  std::uint32_t number = 0;
  for (int digit = 0; at < text.size() && (digit = digit_value(text[at], base)) >= 0; ++at) {
    if (number <= kLastCodePoint) {
      number = number * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
    }
  }
  if (at == first) return position;
  if (at < text.size() && text[at] == ';') ++at;
  append_number(out, number);
  return at;
}

bool ends_name(char c) {
  return c == '\t' || c == '\n' || c == '\f' || c == ' ' || c == '<' || c == '&' || c == '#' || c == ';';
}

/// Reads a name at `position`, behind the '&'. Returns where it ends, or `position` when there is none.
std::size_t read_name(std::string_view text, std::size_t position, std::string& out) {
  std::size_t at = position;
  for (std::size_t length = 0; length < kLongestName && at < text.size() && !ends_name(text[at]); ++length) {
    at += decode_character(text, at).num_bytes;
  }
  if (at == position) return position;
  if (at < text.size() && text[at] == ';') ++at;
  const std::string_view name = text.substr(position, at - position);
  for (std::size_t length = name.size(); length > 1; --length) {
    if (const std::string* value = find_entity(name.substr(0, length))) {
      out.append(*value).append(name.substr(length));
      return at;
    }
  }
  out.append("&").append(name);
  return at;
}

}  // namespace

std::string resolve_html_entities(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t position = 0;
  while (position < text.size()) {
    const std::size_t found = std::min(text.find('&', position), text.size());
    out.append(text.substr(position, found - position));
    if (found == text.size()) break;
    const std::size_t start = found + 1;
    const bool numeric = start < text.size() && text[start] == '#';
    position = numeric ? read_number(text, start, out) : read_name(text, start, out);
    if (position == start) out += '&';
  }
  return out;
}

}  // namespace reprise::data
