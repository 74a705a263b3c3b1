#pragma once
// A stream of the emulated GPU: runs what it is given at once, or keeps it while it is captured into a graph.

#include <functional>
#include <utility>
#include <vector>

namespace reprise::emulation {

using Work = std::function<void()>;

/// The GPU that the calling thread speaks to. That of tests is not that of a new thread.
inline thread_local int current_device = 0;

struct Stream {
  explicit Stream(int of_device) : device(of_device) {}

  int device;
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
