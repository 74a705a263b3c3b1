#include "reprise/core/printable.h"

#include <fmt/core.h>

namespace reprise {
namespace {

constexpr unsigned char kDelete = 0x7f;

/// The control character that `text` begins with: below the space, DEL, or U+0080 to U+009F as UTF-8.
struct Control {
  unsigned code = 0;
  std::size_t num_bytes = 0;  // 0: none
};

Control control_at(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < ' ' || first == kDelete) return {first, 1};
  if (first != 0xc2 || text.size() < 2) return {};
  const auto second = static_cast<unsigned char>(text[1]);
  return second >= 0x80 && second <= 0x9f ? Control{second, 2} : Control{};
}

}  // namespace

std::string printable(std::string_view text, std::string_view kept) {
  std::string result;
  while (!text.empty()) {
    const Control control = control_at(text);
    if (control.num_bytes == 0 || kept.find(text[0]) != std::string_view::npos) {
      result.push_back(text[0]);
      text.remove_prefix(1);
    } else {
      result += fmt::format("\\u{:04x}", control.code);
      text.remove_prefix(control.num_bytes);
    }
  }
  return result;
}

}  // namespace reprise
