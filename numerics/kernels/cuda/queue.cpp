#include "queue.h"

#include <algorithm>

namespace reprise::numerics::cuda {
namespace {

constexpr std::size_t kGranule = 512;

std::size_t size_class(std::size_t num_bytes) {
  return (std::max<std::size_t>(num_bytes, 1) + kGranule - 1) / kGranule * kGranule;
}

}  // namespace

Queue::~Queue() {
  for (void* const memory : all_) stream_.free(memory);
}

void* Queue::allocate(std::size_t num_bytes) {
  void* const memory = stream_.allocate(num_bytes);
  all_.push_back(memory);
  reserved_ += num_bytes;
  return memory;
}

float* Queue::scratch(Scratch which, std::int64_t count) {
  Buffer& buffer = scratch_[static_cast<int>(which)];
  if (buffer.count < count) {
    if (buffer.memory != nullptr) {
      // Launches under way may still use it; freeing waits for them.
      all_.erase(std::find(all_.begin(), all_.end(), buffer.memory));
      reserved_ -= static_cast<std::size_t>(buffer.count) * sizeof(float);
      stream_.free(buffer.memory);
      buffer = {};
    }
    buffer.memory = static_cast<float*>(allocate(static_cast<std::size_t>(count) * sizeof(float)));
    buffer.count = count;
  }
  return buffer.memory;
}

void* Queue::take(std::size_t num_bytes) {
  const std::size_t size = size_class(num_bytes);
  std::vector<void*>& blocks = free_[size];
  if (blocks.empty()) return allocate(size);
  void* const block = blocks.back();
  blocks.pop_back();
  return block;
}

void Queue::give(void* block, std::size_t num_bytes) { free_[size_class(num_bytes)].push_back(block); }

}  // namespace reprise::numerics::cuda
