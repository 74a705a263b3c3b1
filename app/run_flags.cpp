#include "run_flags.h"

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

CLI::Option* add_set_flag(CLI::App& verb, std::vector<std::string>& overrides, const std::string& example) {
  return verb.add_option("--set", overrides, "Override a field: --set " + example + " (repeatable)")
      ->type_name("PATH=VALUE")
      ->take_all()
      ->allow_extra_args(false);
}

CLI::Option* add_quiet_flag(CLI::App& verb, bool& quiet) { return verb.add_flag("--quiet", quiet, "Show no progress"); }

}  // namespace reprise::app
