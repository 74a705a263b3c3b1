#pragma once
// Starting several ranks of this program on this machine, and how a stop reaches them.
//
// mpirun ends its ranks a second after it gets SIGINT or SIGTERM, which may be too soon to save a recovery file. It
// passes SIGUSR1 and SIGUSR2 on, however, so the parent sends these, and ranks take them for SIGINT and SIGTERM.

#include <string>
#include <vector>

namespace reprise::app {

/// Prints the mpirun command that runs `arguments` (program name first) on `num_ranks` ranks, runs it, passes SIGINT
/// and SIGTERM on, and returns its exit code. Throws kDistributed when mpirun cannot be started.
int run_ranks(int num_ranks, const std::vector<std::string>& arguments);

/// Makes SIGUSR1 and SIGUSR2 stop this rank as SIGINT and SIGTERM would. For processes started by mpirun.
void install_rank_stop_handlers();

}  // namespace reprise::app
