#pragma once
// What a program says on standard error beside its results: notes, warnings, the error that ended it.

#include <fmt/core.h>

namespace reprise {

namespace internal {
void print_note(fmt::string_view format, fmt::format_args arguments) noexcept;
}  // namespace internal

/// Prints like fmt::print(stderr, ...), but printable() text alone: messages name what files of others hold. What
/// standard error does not take, closed or on a full disk, is lost: it neither ends the program nor changes its exit
/// code.
template <typename... Arguments>
void print_note(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
  internal::print_note(format, fmt::make_format_args(arguments...));
}

}  // namespace reprise
