#include <charconv>

#include "file_format.h"

namespace reprise::checkpoints {

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t dimension : shape) {
    if (text.size() > 1) text += ',';
    text += std::to_string(dimension);
  }
  return text + "]";
}

std::optional<std::vector<std::int64_t>> shape_of_text(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  std::vector<std::int64_t> shape;
  const char* at = text.data() + 1;
  const char* const end = text.data() + text.size() - 1;
  while (at != end) {
    std::int64_t dimension = 0;
    const std::from_chars_result parsed = std::from_chars(at, end, dimension);
    if (parsed.ec != std::errc()) return std::nullopt;
    shape.push_back(dimension);
    at = parsed.ptr;
    if (at == end) break;
    if (*at != ',' || ++at == end) return std::nullopt;
  }
  return shape;
}

}  // namespace reprise::checkpoints
