#include "reprise/dist/gradient_memory.h"

#include <algorithm>

namespace reprise::dist {
namespace {

std::int64_t bytes_of(std::int64_t num_elements) {
  return num_elements * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace

void ReturnToMemory::operator()(float* block) const { memory->give(block, num_elements); }

std::shared_ptr<GradientMemory> GradientMemory::create() {
  return std::shared_ptr<GradientMemory>(new GradientMemory);  // the constructor is private
}

GradientBuffer GradientMemory::take(std::int64_t num_elements) {
  const std::int64_t bytes = bytes_of(num_elements);
  auto* const block = static_cast<float*>(pool_.take(static_cast<std::size_t>(bytes)));
  GradientBuffer buffer(block, ReturnToMemory{shared_from_this(), num_elements});
  const std::lock_guard lock(mutex_);
  bytes_ += bytes;
  peak_bytes_ = std::max(peak_bytes_, bytes_);
  return buffer;
}

void GradientMemory::give(float* block, std::int64_t num_elements) {
  const std::int64_t bytes = bytes_of(num_elements);
  pool_.give(block, static_cast<std::size_t>(bytes));
  const std::lock_guard lock(mutex_);
  bytes_ -= bytes;
}

std::int64_t GradientMemory::peak_bytes() const {
  const std::lock_guard lock(mutex_);
  return peak_bytes_;
}

}  // namespace reprise::dist
