#pragma once
// A stream of the GPU that the runtime pretends to have: does what it is given at once, or keeps it while it is
// captured.

#include <driver_types.h>

#include <functional>
#include <vector>

namespace reprise::ptx {

using Work = std::function<void()>;

struct Stream {
  bool capturing = false;
  std::vector<Work> captured;
};

Stream& stream_of(cudaStream_t handle);
void run(Stream& stream, Work work);

}  // namespace reprise::ptx
