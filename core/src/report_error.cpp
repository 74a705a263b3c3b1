#include "reprise/core/report_error.h"

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "reprise/core/files.h"
#include "reprise/core/print_note.h"

namespace reprise {
namespace {

/// LibTorch appends a stack trace to its messages.
std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

}  // namespace

Error caught_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::kOutOfMemory, "out of memory", "use fewer threads, a smaller batch or smaller files");
  } catch (const std::system_error& error) {
    return Error(ErrorKind::kIo, first_line(error.what()), system_hint(error.code().value(), FileUse::kUnknown));
  } catch (const std::exception& error) {
    return Error(ErrorKind::kInternal, first_line(error.what()),
                 "this is a bug of Reprise; please report it with the command that was run");
  }
}

int report_error(const Error& error) {
  print_note("{}\n", error.formatted());
  return exit_code(error.kind());
}

}  // namespace reprise
