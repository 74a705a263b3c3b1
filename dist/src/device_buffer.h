#pragma once
// Memory of the GPU for messages that are staged there.

#include <cstddef>

#include "nccl_library.h"

namespace reprise::dist {

/// Memory of the GPU, grown when more is needed.
class DeviceBuffer {
 public:
  explicit DeviceBuffer(const CudaFunctions& cuda) : cuda_(cuda) {}
  ~DeviceBuffer();
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  /// Returns at least `bytes`; what was there is lost when it grows. Throws kOutOfMemory.
  std::byte* at_least(std::size_t bytes);

 private:
  const CudaFunctions& cuda_;
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace reprise::dist
