#include "peer_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

namespace reprise::dist {
namespace {

std::shared_ptr<const int> open_handle(pid_t process) {
#ifdef SYS_pidfd_open
  const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (handle >= 0) {
    return {new int(handle), [](const int* opened) {
              ::close(*opened);
              delete opened;
            }};
  }
#endif
  return nullptr;  // an old kernel, or a container that forbids the call
}

/// A killed process that nobody has waited for yet still has its number, but runs no more: state Z or X.
bool number_has_ended(pid_t process) {
  if (::kill(process, 0) != 0) return errno == ESRCH;
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line;
  if (!std::getline(file, line)) return false;  // no /proc here: believe kill()
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= line.size()) return false;
  return line[name_end + 2] == 'Z' || line[name_end + 2] == 'X';
}

}  // namespace

PeerProcess::PeerProcess(int rank, pid_t process) : rank_(rank), process_(process), handle_(open_handle(process)) {}

bool PeerProcess::has_ended() const {
  if (!handle_) return number_has_ended(process_);
  pollfd look{*handle_, POLLIN, 0};
  return ::poll(&look, 1, 0) > 0;
}

}  // namespace reprise::dist
