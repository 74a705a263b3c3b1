#include "reprise/core/thread_count.h"

#include <algorithm>
#include <thread>

namespace reprise {

int thread_count(int wanted, int num_ranks) {
  return wanted > 0 ? wanted : std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / num_ranks);
}

}  // namespace reprise
