#include "json_text.h"

#include <fmt/core.h>

#include <charconv>

namespace reprise::data {
namespace {

namespace dom = simdjson::dom;

/// A whole number keeps the ".0" by which readers tell that it is no integer.
void append_double(std::string& text, double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  const std::string_view number(digits, static_cast<std::size_t>(end.ptr - digits));
  text.append(number);
  if (number.find_first_of(".e") == std::string_view::npos) text.append(".0");
}

template <typename Parts, typename Append>
void append_parts(std::string& text, char open, char close, const Parts& parts, Append&& append) {
  text.push_back(open);
  bool first = true;
  for (const auto part : parts) {
    if (!first) text.push_back(',');
    first = false;
    append(part);
  }
  text.push_back(close);
}

}  // namespace

void append_json_string(std::string& text, std::string_view value) {
  text.push_back('"');
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text.push_back('\\');
      text.push_back(c);
    } else if (c == '\n') {
      text.append("\\n");
    } else if (c == '\t') {
      text.append("\\t");
    } else if (byte < 0x20) {
      text.append(fmt::format("\\u{:04x}", static_cast<unsigned>(byte)));
    } else {
      text.push_back(c);
    }
  }
  text.push_back('"');
}

void append_json_value(std::string& text, dom::element value) {
  switch (value.type()) {
    case dom::element_type::OBJECT:
      return append_parts(text, '{', '}', dom::object(value), [&](const dom::key_value_pair& member) {
        append_json_string(text, member.key);
        text.push_back(':');
        append_json_value(text, member.value);
      });
    case dom::element_type::ARRAY:
      return append_parts(text, '[', ']', dom::array(value),
                          [&](dom::element element) { append_json_value(text, element); });
    case dom::element_type::STRING:
      return append_json_string(text, std::string_view(value));
    case dom::element_type::INT64:
      text.append(std::to_string(std::int64_t(value)));
      return;
    case dom::element_type::UINT64:
      text.append(std::to_string(std::uint64_t(value)));
      return;
    case dom::element_type::DOUBLE:
      return append_double(text, double(value));
    case dom::element_type::BOOL:
      text.append(bool(value) ? "true" : "false");
      return;
    case dom::element_type::NULL_VALUE:
      text.append("null");
      return;
  }
}

}  // namespace reprise::data
