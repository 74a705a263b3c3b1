#pragma once
// The processes of a program that runs: to kill one of them, all of them, or mpirun.

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace reprise::cli_test {

/// A started program; the destructor kills it and what it has started, if that still runs.
class RunningProgram {
 public:
  RunningProgram(const std::vector<std::string>& arguments, const std::filesystem::path& err);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  pid_t process() const { return process_; }
  /// mpirun, when it runs, and the ranks: the children of mpirun, or the program itself.
  pid_t mpirun() const;
  std::vector<pid_t> ranks() const;

  /// Waits until `condition` holds; false when the program ended before.
  bool wait_until(const std::function<bool()>& condition);
  /// Waits for the program and for the processes it had when it was last looked at; returns its exit code.
  int wait_for_all(const std::vector<pid_t>& others);

 private:
  bool has_ended();

  pid_t process_ = 0;
  bool ended_ = false;
  int exit_code_ = -1;
};

}  // namespace reprise::cli_test
