#include "processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "program.h"

namespace reprise::cli_test {
namespace {

std::vector<pid_t> children_of(pid_t process) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task", error)) {
    std::ifstream file(thread.path() / "children");
    for (pid_t child = 0; file >> child;) found.push_back(child);
  }
  return found;
}

std::string name_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

bool runs(pid_t process) {
  ::waitpid(process, nullptr, WNOHANG);  // orphans come to this process
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  const std::size_t name_end = line.rfind(')');
  return name_end == std::string::npos || line[name_end + 2] != 'Z';
}

void nap() { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }

}  // namespace

RunningProgram::RunningProgram(const std::vector<std::string>& arguments, const std::filesystem::path& err) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  process_ = ::fork();
  if (process_ != 0) return;
  ::dup2(::open("/dev/null", O_RDWR), 0);
  ::dup2(0, 1);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
  if (::chdir(REPRISE_SOURCE_DIR) != 0) ::_exit(120);
  const std::string program = program_path().string();
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  ::_exit(121);
}

RunningProgram::~RunningProgram() {
  if (has_ended()) return;
  std::vector<pid_t> others = ranks();
  others.push_back(mpirun());
  for (const pid_t other : others) {
    if (other > 0) ::kill(other, SIGKILL);
  }
  ::kill(process_, SIGKILL);
  wait_for_all(others);
}

pid_t RunningProgram::mpirun() const {
  for (const pid_t child : children_of(process_)) {
    if (name_of(child) == "mpirun" || name_of(child) == "orterun") return child;
  }
  return 0;
}

std::vector<pid_t> RunningProgram::ranks() const {
  const pid_t parent = mpirun();
  return parent == 0 ? std::vector<pid_t>{process_} : children_of(parent);
}

bool RunningProgram::has_ended() {
  if (ended_) return true;
  int status = 0;
  if (::waitpid(process_, &status, WNOHANG) != process_) return false;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended_ = true;
}

bool RunningProgram::wait_until(const std::function<bool()>& condition) {
  while (!condition()) {
    if (has_ended()) return false;
    nap();
  }
  return true;
}

int RunningProgram::wait_for_all(const std::vector<pid_t>& others) {
  while (!has_ended()) nap();
  for (const pid_t other : others) {
    while (other > 0 && other != process_ && runs(other)) nap();
  }
  return exit_code_;
}

}  // namespace reprise::cli_test
