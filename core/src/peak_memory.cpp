#include "reprise/core/peak_memory.h"

#include <fstream>
#include <string>

namespace reprise {

// Not getrusage(): its ru_maxrss begins with that of the program that exec() replaced.
std::uint64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  return 0;
}

}  // namespace reprise
