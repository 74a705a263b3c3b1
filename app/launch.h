#pragma once
// Starting several ranks of this very program, and saying so.

#include <optional>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/error.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/launch.h"

namespace reprise::app {

/// Prints the mpirun command that runs `arguments` (program name first) on several ranks, runs it, passes SIGINT
/// and SIGTERM on, and returns its exit code: 128 + signal after a stop. Throws kDistributed when mpirun cannot be
/// started.
int run_ranks(const dist::Launch& launch, const std::vector<std::string>& arguments);
int run_ranks(int num_ranks, const std::vector<std::string>& arguments);

/// What is to be said about a status of mpirun that nobody has spoken for: mpirun runs with --quiet, and whoever is
/// killed says nothing. None where a rank speaks before it ends with that status.
std::optional<Error> unsaid_failure(int status);

/// The launch that a config and --hostfile (empty: none) ask for.
dist::Launch launch_of(const configs::RunConfig& config, const std::string& hostfile);

/// Throws kUsage where --ranks was given (not 0) and mpirun started another number.
void check_ranks(int given, const dist::Communicator& communicator);

/// Threads per rank: as the config says, or the machine's cores shared by its ranks.
int threads_per_rank(const configs::RunConfig& config, int num_ranks);

/// To be called by a rank that failed, in the handler of its exception. Most failures are met by all ranks, and the
/// first speaks for all: another one waits, and ends here without a word, with the exit code of its error, as soon as
/// the first has ended. Returns where it has not: this rank's failure is its own. Ranks that lost others all speak.
void let_first_rank_speak(const dist::Communicator& communicator);

}  // namespace reprise::app
