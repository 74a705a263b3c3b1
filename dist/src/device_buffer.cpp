#include "device_buffer.h"

#include "reprise/core/error.h"

namespace reprise::dist {

DeviceBuffer::~DeviceBuffer() {
  if (memory_ != nullptr) cuda_.free(memory_);
}

std::byte* DeviceBuffer::at_least(std::size_t bytes) {
  if (bytes <= bytes_) return memory_;
  if (memory_ != nullptr) cuda_.free(memory_);
  memory_ = nullptr;
  bytes_ = 0;
  void* memory = nullptr;
  const int code = cuda_.malloc(&memory, bytes);
  REPRISE_REQUIRE(
      code == kCudaSuccess, ErrorKind::kOutOfMemory,
      fmt::format("cannot take {} bytes of GPU memory for messages: {}", bytes, cuda_.get_error_string(code)),
      "let other programs on this GPU end");
  memory_ = static_cast<std::byte*>(memory);
  bytes_ = bytes;
  return memory_;
}

}  // namespace reprise::dist
