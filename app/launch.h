#pragma once
// Starting several ranks of this very program, and saying so.

#include <string>
#include <vector>

namespace reprise::app {

/// Prints the mpirun command that runs `arguments` (program name first) on `num_ranks` ranks, runs it, passes SIGINT
/// and SIGTERM on, and returns its exit code: 128 + signal after a stop. Throws kDistributed when mpirun cannot be
/// started.
int run_ranks(int num_ranks, const std::vector<std::string>& arguments);

}  // namespace reprise::app
