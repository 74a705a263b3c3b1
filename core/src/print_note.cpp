#include "reprise/core/print_note.h"

#include <cstdio>
#include <exception>
#include <string>

#include "reprise/core/printable.h"

namespace reprise::internal {

void print_note(fmt::string_view format, fmt::format_args arguments) noexcept {
  try {
    const std::string text = printable(fmt::vformat(format, arguments), "\n\t");
    std::fwrite(text.data(), 1, text.size(), stderr);
  } catch (const std::exception&) {
    // No memory for the text: it is lost too.
  }
}

}  // namespace reprise::internal
