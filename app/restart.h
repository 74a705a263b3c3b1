#pragma once
// Starting a training again after a rank died or got stuck.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/dist/launch.h"

namespace reprise::app {

struct Restarts {
  int allowed = 0;
  std::filesystem::path run_dir;
  bool had_log = false;                              // run.log stood in run_dir before the first start
  std::vector<std::string> start;                    // the command line of the first start, program name first
  std::function<std::vector<std::string>()> resume;  // of the later ones, without --ranks
};

/// Starts ranks by `launch`. When a rank died or got stuck, starts again with one rank fewer (at least one), from the
/// last checkpoint, at most restarts.allowed times; says so on stderr and in session.log. Returns the last exit code.
/// A stop by the user and every other failure end it.
int run_ranks_with_restarts(dist::Launch launch, const Restarts& restarts);

/// The command line of the next start: resumes a run that has begun, and begins one whose ranks did not come so far. A
/// log from before the first start is another run's, which the first command refuses, or the one that it resumes.
std::vector<std::string> words_to_go_on(const Restarts& restarts);

/// Whether mpirun's exit code says that a rank died (by SIGKILL, SIGSEGV, ...) or that ranks waited in vain.
bool rank_was_lost(int exit_code);

/// `words` without the option `name` and its value, given as "NAME VALUE" or "NAME=VALUE".
std::vector<std::string> without_option(const std::vector<std::string>& words, const std::string& name);

/// "--set runtime.NAME=VALUE" for every number and switch of the runtime that was given, and for its device; other text
/// is left out, and so is num_ranks.
std::vector<std::string> runtime_overrides(const configs::Runtime& runtime);

}  // namespace reprise::app
