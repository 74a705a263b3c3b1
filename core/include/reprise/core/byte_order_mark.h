#pragma once
// U+FEFF in UTF-8, which some editors put before the first character of a file.

#include <string_view>

namespace reprise {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The content behind a byte order mark at its beginning, which belongs to no line of it.
constexpr std::string_view without_byte_order_mark(std::string_view content) {
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  return content;
}

}  // namespace reprise
