#pragma once
// Starting several ranks, on this machine or on those of a hostfile, and waiting for them.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace reprise::dist {

struct Launch {
  int num_ranks = 1;
  int threads_per_rank = 0;        // 0: not known here; ranks are then not bound to cores
  std::filesystem::path hostfile;  // of OpenMPI; empty: this machine
};

/// The command line that starts `num_ranks` copies of `arguments`, with what OpenMPI 4 needs for root and for a quiet
/// end; for printing and for exec.
///
/// This machine: more ranks than cores are allowed. Ranks are bound to as many cores as they have threads where these
/// fit into a machine with several memories (NUMA nodes) and fill more than half of it, and OMP_NUM_THREADS is set for
/// them. Hostfile: slots, placing and fabrics are left to mpirun; variables REPRISE_*, NCCL_* and LD_LIBRARY_PATH are
/// passed on. The variable REPRISE_BINDING (auto, core, none) overrules the binding. Throws kUsage for a hostfile that
/// cannot be used.
std::vector<std::string> mpirun_command(const Launch& launch, std::span<const std::string> arguments);

/// Runs mpirun_command(launch, arguments) and returns its exit status (128 + signal when a signal ended it). A stop
/// signal of this process (core/stop.h) is passed to the ranks once, as SIGUSR1 for SIGINT and SIGUSR2 for SIGTERM:
/// mpirun forwards these, while SIGINT and SIGTERM would make it kill the ranks after two seconds. Ranks take them for
/// the real ones (make_mpi_communicator() sees to it), save what they have, and end. mpirun ends when this process
/// does; ranks that outlive a killed mpirun are ended before this returns. Throws kDistributed when mpirun cannot be
/// started.
int run_ranks(const Launch& launch, std::span<const std::string> arguments);
int run_ranks(int num_ranks, std::span<const std::string> arguments);

/// How many of a world's `num_ranks` run on this machine, as mpirun tells its ranks; all of them where it does not.
int ranks_on_this_machine(int num_ranks);

}  // namespace reprise::dist
