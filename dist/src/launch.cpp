// The command line that starts several ranks on this machine.

#include <unistd.h>

#include "reprise/core/error.h"
#include "reprise/dist/communicator.h"

namespace reprise::dist {

std::vector<std::string> mpirun_command(int num_ranks, std::span<const std::string> arguments) {
  REPRISE_CHECK(num_ranks >= 1);
  std::vector<std::string> command{"mpirun", "--oversubscribe"};
  if (::geteuid() == 0) command.emplace_back("--allow-run-as-root");
  for (const char* option : {
           "--bind-to", "none",
           "--quiet",
           "--mca", "plm", "isolated",                             // one machine: needs no ssh
           "--mca", "oob_tcp_if_include", "lo",                    // and no network
           "--mca", "pml", "ob1", "--mca", "btl", "self,vader",    // shared memory; no search for fabrics
           "--mca", "btl_vader_single_copy_mechanism", "none",     // containers often forbid process_vm_readv
           "--mca", "mpi_yield_when_idle", "1",                    // ranks may outnumber cores
           "--mca", "orte_abort_on_non_zero_status", "1",
       }) {
    command.emplace_back(option);
  }
  command.emplace_back("-n");
  command.push_back(std::to_string(num_ranks));
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace reprise::dist
