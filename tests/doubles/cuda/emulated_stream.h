#pragma once
// A stream of the emulated GPU: runs what it is given at once, or keeps it while it is captured into a graph.

#include <functional>
#include <utility>
#include <vector>

namespace reprise::emulation {

using Work = std::function<void()>;

struct Stream {
  bool capturing = false;
  std::vector<Work> captured;

  void run(Work work) {
    if (capturing) {
      captured.push_back(std::move(work));
    } else {
      work();
    }
  }
};

}  // namespace reprise::emulation
