// The command line of mpirun: one machine or those of a hostfile, and which cores a rank gets.

#include <sched.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>

#include "reprise/core/error.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/launch.h"

namespace reprise::dist {
namespace {

using Words = std::vector<std::string>;

/// Cores of this machine, hyperthreads counted once; 0 when this process may not use all of them, so that mpirun, which
/// counts them all, would bind ranks to cores that belong to somebody else.
int cores_free_to_bind() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) != online) return 0;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) return 0;
    cores.insert(siblings);
  }
  return static_cast<int>(cores.size());
}

int num_memory_nodes() {
  int nodes = 0;
  while (std::filesystem::exists("/sys/devices/system/node/node" + std::to_string(nodes))) ++nodes;
  return nodes;
}

/// Binding keeps threads near their memory, which matters where a machine has several. But a bound rank waits for
/// whatever else runs on its cores, and two runs that bind take the same ones while others idle: so only a run that
/// leaves no room for a second one of its kind is bound.
bool gains_by_binding(const Launch& launch) {
  if (!launch.hostfile.empty() || launch.threads_per_rank <= 0 || num_memory_nodes() < 2) return false;
  const int cores = cores_free_to_bind();
  const int wanted = launch.num_ranks * launch.threads_per_rank;
  return wanted <= cores && wanted * 2 > cores;
}

/// mpirun would refuse, and --quiet hides why.
void require_cores(const Launch& launch) {
  const int cores = launch.hostfile.empty() ? cores_free_to_bind() : 0;
  const std::int64_t wanted = std::int64_t{launch.num_ranks} * launch.threads_per_rank;
  REPRISE_REQUIRE(cores == 0 || wanted <= cores, ErrorKind::kUsage,
                  fmt::format("REPRISE_BINDING is core, but {} ranks of {} threads need {} cores; this machine has {}",
                              launch.num_ranks, launch.threads_per_rank, wanted, cores),
                  "give fewer --ranks or --threads, or REPRISE_BINDING=none, which binds no cores");
}

bool binds_to_cores(const Launch& launch) {
  const char* const wish = std::getenv("REPRISE_BINDING");
  const std::string_view binding = wish == nullptr ? "auto" : wish;
  if (binding == "none") return false;
  if (binding == "core") {
    REPRISE_REQUIRE(launch.threads_per_rank > 0, ErrorKind::kUsage,
                    "REPRISE_BINDING is core, but the threads of a rank are not known", "give --threads");
    require_cores(launch);
    return true;
  }
  REPRISE_REQUIRE(binding == "auto", ErrorKind::kUsage, fmt::format("REPRISE_BINDING is {}", binding),
                  "choose auto, core or none");
  return gains_by_binding(launch);
}

void check_hostfile(const std::filesystem::path& path) {
  std::ifstream file(path);
  REPRISE_REQUIRE(file.good(), ErrorKind::kUsage, fmt::format("cannot read the hostfile {}", path.string()),
                  "give a text file with one line per machine, such as: node1 slots=4");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first != std::string::npos && line[first] != '#') return;
  }
  throw Error(ErrorKind::kUsage, fmt::format("the hostfile {} names no machine", path.string()),
              "write one line per machine, such as: node1 slots=4");
}

void append(Words& command, std::initializer_list<const char*> words) {
  for (const char* word : words) command.emplace_back(word);
}

void append_one_machine(Words& command) {
  append(command, {"--oversubscribe", "--quiet",                          //
                   "--mca", "plm", "isolated",                            // needs no ssh
                   "--mca", "oob_tcp_if_include", "lo",                   // and no network
                   "--mca", "pml", "ob1", "--mca", "btl", "self,vader",   // shared memory; no search for fabrics
                   "--mca", "btl_vader_single_copy_mechanism", "none"});  // containers often forbid process_vm_readv
}

/// Slots, fabrics and ssh are mpirun's business. It passes none of the environment on unless told to.
void append_hosts(Words& command, const Launch& launch) {
  check_hostfile(launch.hostfile);
  append(command, {"--hostfile"});
  command.push_back(launch.hostfile.string());
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view name = std::string_view(*entry).substr(0, std::string_view(*entry).find('='));
    if (!name.starts_with("REPRISE_") && !name.starts_with("NCCL_") && name != "LD_LIBRARY_PATH") continue;
    command.emplace_back("-x");
    command.emplace_back(name);
  }
}

void append_binding(Words& command, const Launch& launch) {
  if (binds_to_cores(launch)) {
    append(command, {"--bind-to", "core", "--map-by"});
    command.push_back(fmt::format("slot:PE={}", launch.threads_per_rank));
  } else {
    append(command, {"--bind-to", "none"});
  }
  if (launch.threads_per_rank > 0 && std::getenv("OMP_NUM_THREADS") == nullptr) {
    command.emplace_back("-x");
    command.push_back(fmt::format("OMP_NUM_THREADS={}", launch.threads_per_rank));
  }
}

}  // namespace

Words mpirun_command(const Launch& launch, std::span<const std::string> arguments) {
  REPRISE_CHECK(launch.num_ranks >= 1);
  Words command{"mpirun"};
  if (::geteuid() == 0) command.emplace_back("--allow-run-as-root");
  append_binding(command, launch);
  launch.hostfile.empty() ? append_one_machine(command) : append_hosts(command, launch);
  append(command, {"--mca", "mpi_yield_when_idle", "1", "-n"});  // ranks may outnumber cores
  command.push_back(std::to_string(launch.num_ranks));
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Words mpirun_command(int num_ranks, std::span<const std::string> arguments) {
  return mpirun_command(Launch{.num_ranks = num_ranks, .threads_per_rank = 0, .hostfile = {}}, arguments);
}

int ranks_on_this_machine(int num_ranks) {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"}) {
    if (const char* const text = std::getenv(name); text != nullptr) {
      if (const int ranks = std::atoi(text); ranks >= 1 && ranks <= num_ranks) return ranks;
    }
  }
  return num_ranks;
}

}  // namespace reprise::dist
