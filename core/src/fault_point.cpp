#include "reprise/core/fault_point.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace reprise {
namespace {

struct Fault {
  std::string name;
  long count = 0;
  int rank = -1;
  std::string what = "kill";
  std::atomic<long> passed{0};

  Fault() {
    const char* text = std::getenv("REPRISE_FAULT");
    if (text == nullptr) return;
    const std::string value(text);
    const std::size_t first = value.find(':');
    if (first == std::string::npos) return;
    name = value.substr(0, first);
    count = std::strtol(value.c_str() + first + 1, nullptr, 10);
    const std::size_t second = value.find(':', first + 1);
    if (second == std::string::npos) return;
    rank = static_cast<int>(std::strtol(value.c_str() + second + 1, nullptr, 10));
    const std::size_t third = value.find(':', second + 1);
    if (third != std::string::npos) what = value.substr(third + 1);
  }

  void happen() const {
    if (what == "hang") {
      while (true) ::pause();
    }
    ::raise(what == "stop" ? SIGSTOP : SIGKILL);
  }
};

std::atomic<int> this_rank{0};

}  // namespace

void set_fault_rank(int rank) noexcept { this_rank.store(rank); }

void fault_point(std::string_view name) noexcept {
  static Fault fault;
  if (fault.name.empty() || fault.name != name) return;
  if (fault.rank >= 0 && fault.rank != this_rank.load()) return;
  if (++fault.passed == fault.count) fault.happen();
}

}  // namespace reprise
