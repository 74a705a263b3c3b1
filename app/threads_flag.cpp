#include "threads_flag.h"

namespace reprise::app {
namespace {

constexpr int kMostThreads = 1024;

}  // namespace

CLI::Option* add_threads_flag(CLI::App& verb, int& threads, const std::string& help, int least) {
  return verb.add_option("--threads", threads, help)->check(CLI::Range(least, kMostThreads));
}

}  // namespace reprise::app
