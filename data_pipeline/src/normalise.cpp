#include "reprise/data_pipeline/normalise.h"

#include <algorithm>

#include "reprise/core/byte_order_mark.h"
#include "text_units.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

bool is_removed_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
}

/// Line ends to LF (CR LF, CR, VT and FF), and the other C0 controls and DEL out.
std::string with_line_feeds(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r') {
      if (i + 1 < text.size() && text[i + 1] == '\n') continue;
      result.push_back('\n');
    } else if (c == '\v' || c == '\f') {
      result.push_back('\n');
    } else if (!is_removed_control(c)) {
      result.push_back(c);
    }
  }
  return result;
}

std::string without_trailing_space(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    result.append(trim_end(text.substr(begin, end - begin)));
    if (end < text.size()) result.push_back('\n');
    begin = end + 1;
  }
  return result;
}

}  // namespace

std::string normalise_v1(std::string_view text) {
  const std::string lines = without_trailing_space(with_line_feeds(text));
  std::string_view rest = lines;
  // A byte order mark may stand behind blank lines and uncover more of them; removing both until neither is left
  // makes a second pass change nothing.
  while (true) {
    if (rest.starts_with('\n')) {
      rest.remove_prefix(1);
    } else if (rest.starts_with(kByteOrderMark)) {
      rest.remove_prefix(kByteOrderMark.size());
    } else {
      break;
    }
  }
  while (rest.ends_with('\n')) rest.remove_suffix(1);
  return std::string(rest);
}

}  // namespace reprise::data
