#include "reprise/core/print_note.h"

#include <cstdio>
#include <exception>
#include <string>

namespace reprise::internal {

void print_note(fmt::string_view format, fmt::format_args arguments) noexcept {
  try {
    const std::string text = fmt::vformat(format, arguments);
    std::fwrite(text.data(), 1, text.size(), stderr);
  } catch (const std::exception&) {
    // No memory for the text: it is lost too.
  }
}

}  // namespace reprise::internal
