#include "threads_flag.h"

#include "reprise/configs/config.h"

namespace reprise::app {
namespace {

constexpr int kMostThreads = 1024;

}  // namespace

CLI::Option* add_threads_flag(CLI::App& verb, int& threads, const std::string& help, int least) {
  return verb.add_option("--threads", threads, help)->check(CLI::Range(least, kMostThreads));
}

CLI::Option* add_ranks_flag(CLI::App& verb, int& ranks) {
  return verb.add_option("--ranks", ranks, "Processes; more than one starts mpirun")
      ->check(CLI::Range(1, static_cast<int>(configs::kMostRanks)));
}

}  // namespace reprise::app
