#include "launch.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/stop.h"
#include "reprise/dist/communicator.h"

namespace reprise::app {
namespace {

constexpr int kCannotStart = 127;

/// Quotes a word for printing a command that can be pasted into a shell.
std::string quoted(const std::string& word) {
  constexpr char kPlain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// The ranks run this very program, whatever the PATH says.
std::string this_program(const std::string& name) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? name : path.string();
}

[[noreturn]] void become(const std::vector<std::string>& command, pid_t parent) {
  // A group of its own: Ctrl-C on the terminal reaches the parent, which passes it on in the form that saves.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kCannotStart);
  // Outside the terminal's foreground group reading it would stop mpirun.
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGPIPE, SIG_DFL);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  ::_exit(kCannotStart);
}

/// Waits for the child; passes a stop on once.
int wait_and_pass_on(pid_t child) {
  bool passed_on = false;
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) return exit_code(ErrorKind::kDistributed);
    if (ended == child) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (stop_signal() != 0 && !passed_on) {
      passed_on = true;
      ::kill(child, stop_signal() == SIGINT ? SIGUSR1 : SIGUSR2);
    }
    const timespec nap{0, 20'000'000};
    ::nanosleep(&nap, nullptr);
  }
}

void on_passed_signal(int signal_number) { request_stop(signal_number == SIGUSR1 ? SIGINT : SIGTERM); }

}  // namespace

int run_ranks(int num_ranks, const std::vector<std::string>& arguments) {
  REPRISE_CHECK(!arguments.empty());
  std::vector<std::string> program = arguments;
  program.front() = this_program(program.front());
  const std::vector<std::string> command = dist::mpirun_command(num_ranks, program);
  std::string line;
  for (const std::string& word : command) line += (line.empty() ? "" : " ") + quoted(word);
  fmt::print(stderr, "{}\n", line);
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    throw Error(ErrorKind::kDistributed, fmt::format("cannot start mpirun: {}", system_reason(errno)),
                "close other programs, or use --ranks 1");
  }
  if (child == 0) become(command, parent);
  const int status = wait_and_pass_on(child);
  REPRISE_REQUIRE(status != kCannotStart, ErrorKind::kDistributed, "cannot start mpirun",
                  "install OpenMPI (Debian: openmpi-bin), or use --ranks 1");
  return status;
}

void install_rank_stop_handlers() {
  struct sigaction action {};
  action.sa_handler = on_passed_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGUSR1, &action, nullptr);
  ::sigaction(SIGUSR2, &action, nullptr);
}

}  // namespace reprise::app
