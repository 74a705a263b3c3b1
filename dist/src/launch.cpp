// The parent of mpirun: it passes signals on and returns the status.

#include "reprise/dist/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/stop.h"

namespace reprise::dist {
namespace {

constexpr int kExecFailed = 127;

/// In the child: becomes mpirun. A process group of its own keeps the terminal's Ctrl-C away from it, and then it must
/// not read the terminal.
[[noreturn]] void become(char* const* arguments, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kExecFailed);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  for (const int signal_number : {SIGINT, SIGTERM, SIGPIPE, SIGXFSZ}) ::signal(signal_number, SIG_DFL);
  ::execvp(arguments[0], arguments);
  ::_exit(kExecFailed);
}

int wait_and_pass_signals(pid_t child) {
  bool passed = false;
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (ended < 0 && errno != EINTR) {
      throw Error(ErrorKind::kDistributed, fmt::format("cannot wait for mpirun: {}", system_reason(errno)));
    }
    if (const int signal_number = stop_signal(); signal_number != 0 && !passed) {
      ::kill(child, signal_number == SIGINT ? SIGUSR1 : SIGUSR2);
      passed = true;
    }
    const timespec nap{0, 20'000'000};
    ::nanosleep(&nap, nullptr);
  }
}

/// Makes this process the parent of what its children leave behind, for as long as the object lives.
class Subreaper {
 public:
  Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
  Subreaper(const Subreaper&) = delete;
  Subreaper& operator=(const Subreaper&) = delete;
};

std::set<pid_t> children() {
  std::set<pid_t> found;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(thread.path() / "children");
    for (pid_t child = 0; file >> child;) found.insert(child);
  }
  return found;
}

/// Ends the ranks of an mpirun that was killed itself. They would write on into a run that somebody resumes. An mpirun
/// that ends by itself leaves none.
void end_orphans(const std::set<pid_t>& others) {
  for (int round = 0; round < 200; ++round) {
    bool alive = false;
    for (const pid_t child : children()) {
      if (others.contains(child)) continue;
      if (::waitpid(child, nullptr, WNOHANG) == child) continue;
      alive = true;
      ::kill(child, SIGKILL);
    }
    if (!alive) return;
    const timespec nap{0, 10'000'000};
    ::nanosleep(&nap, nullptr);
  }
}

}  // namespace

int run_ranks(const Launch& launch, std::span<const std::string> arguments) {
  std::vector<std::string> command = mpirun_command(launch, arguments);
  std::vector<char*> pointers;
  for (std::string& argument : command) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const Subreaper subreaper;
  const std::set<pid_t> others = children();
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    throw Error(ErrorKind::kDistributed, fmt::format("cannot start mpirun: {}", system_reason(errno)),
                system_hint(errno));
  }
  if (child == 0) become(pointers.data(), parent);
  const int status = wait_and_pass_signals(child);
  end_orphans(others);
  if (status == kExecFailed) {
    throw Error(ErrorKind::kDistributed,
                fmt::format("mpirun could not start {}", arguments.empty() ? "" : arguments[0]),
                "install OpenMPI (Debian: openmpi-bin), or run with one rank");
  }
  return status;
}

int run_ranks(int num_ranks, std::span<const std::string> arguments) {
  return run_ranks(Launch{.num_ranks = num_ranks, .threads_per_rank = 0, .hostfile = {}}, arguments);
}

}  // namespace reprise::dist
