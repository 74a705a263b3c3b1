#pragma once
// Starting several ranks on this machine and waiting for them.

#include <span>
#include <string>

namespace reprise::dist {

/// Runs mpirun_command(num_ranks, arguments) and returns its exit status (128 + signal when a signal ended it). A stop
/// signal of this process (core/stop.h) is passed to the ranks once, as SIGUSR1 for SIGINT and SIGUSR2 for SIGTERM:
/// mpirun forwards these, while SIGINT and SIGTERM would make it kill the ranks after two seconds. Ranks take them for
/// the real ones (make_mpi_communicator() sees to it), save what they have, and end. mpirun ends when this process does.
/// Throws kDistributed when mpirun cannot be started.
int run_ranks(int num_ranks, std::span<const std::string> arguments);

}  // namespace reprise::dist
