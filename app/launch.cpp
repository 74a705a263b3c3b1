#include "launch.h"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/core/report_error.h"
#include "reprise/core/shell_line.h"
#include "reprise/core/stop.h"
#include "reprise/core/thread_count.h"

namespace reprise::app {
namespace {

constexpr std::chrono::milliseconds kLookAtFirstRank{20};
constexpr std::chrono::milliseconds kWaitForFirstRank{1500};

/// The ranks run this very program, whatever the PATH says.
std::string this_program(const std::string& name) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? name : path.string();
}

}  // namespace

std::optional<Error> unsaid_failure(int status) {
  if (status == 1) {
    return Error(ErrorKind::kDistributed,
                 "mpirun ended with exit code 1; where no rank says why above, it could not start them",
                 "run the mpirun line above, without --quiet, to see why");
  }
  if (status == 128 + SIGKILL) {
    return Error(ErrorKind::kDistributed, "signal 9 has ended a rank, or mpirun",
                 "the system's log (dmesg) says whether memory ran out; a run that has begun goes on with "
                 "`reprise train --resume RUN`, anything else with the same command");
  }
  return std::nullopt;
}

int run_ranks(const dist::Launch& launch, const std::vector<std::string>& arguments) {
  REPRISE_CHECK(!arguments.empty());
  dist::chosen_backend();  // a wrong one is said once, not by every rank
  std::vector<std::string> program = arguments;
  program.front() = this_program(program.front());
  print_note("{}\n", shell_line(dist::mpirun_command(launch, program)));
  std::fflush(nullptr);
  const StopHandlers handlers;  // a signal is passed on
  const int status = dist::run_ranks(launch, program);
  if (const std::optional<Error> failure = unsaid_failure(status)) print_note("{}\n", failure->formatted());
  // A stop that came before mpirun or a rank could take it has ended them by the signal it is passed on as.
  const bool by_passed_signal = status == 128 + SIGUSR1 || status == 128 + SIGUSR2;
  return by_passed_signal && stop_signal() != 0 ? 128 + stop_signal() : status;
}

int run_ranks(int num_ranks, const std::vector<std::string>& arguments) {
  return run_ranks({.num_ranks = num_ranks, .threads_per_rank = 0, .hostfile = {}}, arguments);
}

dist::Launch launch_of(const configs::RunConfig& config, const std::string& hostfile) {
  const int num_ranks = static_cast<int>(config.runtime().num_ranks());
  const int given_threads = static_cast<int>(config.runtime().num_threads());
  // Machines of a hostfile may have other numbers of cores: each rank finds its threads where it runs.
  const int threads = hostfile.empty() ? thread_count(given_threads, num_ranks) : given_threads;
  return {.num_ranks = num_ranks, .threads_per_rank = threads, .hostfile = hostfile};
}

void check_ranks(int given, const dist::Communicator& communicator) {
  REPRISE_REQUIRE(given == 0 || given == communicator.size(), ErrorKind::kUsage,
                  fmt::format("--ranks {} was given, but mpirun started {}", given, communicator.size()),
                  "leave --ranks away under mpirun");
}

int threads_per_rank(const configs::RunConfig& config, int num_ranks) {
  return thread_count(static_cast<int>(config.runtime().num_threads()), dist::ranks_on_this_machine(num_ranks));
}

void let_first_rank_speak(const dist::Communicator& communicator) {
  if (communicator.rank() == 0) return;
  const Error error = caught_error();
  if (error.kind() == ErrorKind::kDistributed) {  // each says what it has seen; mpirun may end it meanwhile
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    return;
  }
  // mpirun sends SIGTERM when the first rank has ended, and about a second later SIGKILL.
  const int signal_before = stop_signal();
  for (std::chrono::milliseconds waited{0}; waited < kWaitForFirstRank; waited += kLookAtFirstRank) {
    if (communicator.lost_rank().starts_with("rank 0 ") || stop_signal() != signal_before) {
      std::fflush(nullptr);
      std::_Exit(exit_code(error.kind()));
    }
    std::this_thread::sleep_for(kLookAtFirstRank);
  }
}

}  // namespace reprise::app
