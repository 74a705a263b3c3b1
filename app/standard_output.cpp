#include "standard_output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "reprise/core/error.h"

namespace reprise::app {
namespace {

/// Asks the system, for the reason why an earlier write failed is not kept.
bool reader_is_gone() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace

void flush_standard_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  if (reader_is_gone()) throw std::system_error(EPIPE, std::generic_category(), "cannot write to standard output");
  throw Error(ErrorKind::kIo, "cannot write to standard output", "check the pipe or the disk behind it");
}

}  // namespace reprise::app
