#pragma once
// Errors of the whole project. Exceptions are the spine (docs/decisions/0001-exceptions-as-the-error-spine.md);
// Result<T> (result.h) serves the few places where failing is normal.
//
// A message reads: what is wrong (static text first, values last), where (path, line, column or offset), the
// offending value, and a hint with the next thing to do. Exit codes: docs/reference/exit_codes.md.

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace reprise {

enum class ErrorKind {
  kUsage,        // wrong flag or verb                                       exit 2
  kConfig,       // a config that cannot be used                             exit 2
  kData,         // a document, corpus, tokenizer or shard that is wrong     exit 3
  kIo,           // the operating system refused to read or write            exit 4
  kCorrupt,      // stored bytes do not match their hash or their format     exit 4
  kCheckpoint,   // a checkpoint or run that cannot be used for this         exit 4
  kDevice,       // a device, instruction set or library is missing          exit 5
  kOutOfMemory,  //                                                          exit 5
  kDistributed,  // a rank or the transport failed                           exit 6
  kNumeric,      // NaN or Inf, or a broken floating-point environment       exit 7
  kInternal,     // a bug of ours                                            exit 1
};

/// Returns the process exit code documented for `kind`.
int exit_code(ErrorKind kind) noexcept;

/// Returns the lower-case name of `kind`, as it is printed.
std::string_view to_string(ErrorKind kind) noexcept;

/// The exception of the project. `what()` is the message without the hint.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string message, std::string hint = {});

  ErrorKind kind() const noexcept { return kind_; }
  const std::string& hint() const noexcept { return hint_; }

  /// Returns the same error with `context` ("while reading x") put after the message.
  Error with_context(std::string_view context) const;

  /// Returns what is printed on stderr: "error[kind]: message" and, on a line of its own, "hint: ...".
  std::string formatted() const;

 private:
  ErrorKind kind_;
  std::string hint_;
};

namespace internal {
[[noreturn]] void throw_check_failed(const char* expression, const char* file, int line,
                                     const std::string& values);
}  // namespace internal

}  // namespace reprise

/// Throws Error(kind, message, hint) unless `condition` holds: the user's fault, or the world's.
#define REPRISE_REQUIRE(condition, kind, message, hint)                          \
  do {                                                                           \
    if (!(condition)) throw ::reprise::Error((kind), (message), (hint));         \
  } while (false)

/// Throws an internal error unless `condition` holds: our bug.
#define REPRISE_CHECK(condition)                                                              \
  do {                                                                                        \
    if (!(condition))                                                                         \
      ::reprise::internal::throw_check_failed(#condition, __FILE__, __LINE__, std::string()); \
  } while (false)

/// Like REPRISE_CHECK(a == b), and prints both values.
#define REPRISE_CHECK_EQ(a, b)                                                               \
  do {                                                                                       \
    const auto& reprise_a_ = (a);                                                            \
    const auto& reprise_b_ = (b);                                                            \
    if (!(reprise_a_ == reprise_b_))                                                         \
      ::reprise::internal::throw_check_failed(#a " == " #b, __FILE__, __LINE__,              \
                                              fmt::format("{} vs {}", reprise_a_, reprise_b_)); \
  } while (false)
