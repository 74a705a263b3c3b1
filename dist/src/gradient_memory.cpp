#include "reprise/dist/gradient_memory.h"

#include <algorithm>

#include "reprise/core/error.h"
#include "reprise/core/large_memory.h"

namespace reprise::dist {
namespace {

std::int64_t bytes_of(std::int64_t num_elements) { return num_elements * static_cast<std::int64_t>(sizeof(float)); }

}  // namespace

void ReturnToMemory::operator()(float* block) const { memory->give(block, num_elements); }

std::shared_ptr<GradientMemory> GradientMemory::create() {
  const auto pool = std::make_shared<MemoryPool>();
  return create({[pool](std::size_t num_bytes) { return pool->take(num_bytes); },
                 [pool](void* block, std::size_t num_bytes) { pool->give(block, num_bytes); }});
}

std::shared_ptr<GradientMemory> GradientMemory::create(BlockSource source) {
  return std::shared_ptr<GradientMemory>(new GradientMemory(std::move(source)));  // the constructor is private
}

GradientBuffer GradientMemory::take(std::int64_t num_elements) {
  REPRISE_CHECK(num_elements >= 0);
  const std::int64_t bytes = bytes_of(num_elements);
  auto* const block = static_cast<float*>(source_.take(static_cast<std::size_t>(bytes)));
  GradientBuffer buffer(block, ReturnToMemory{shared_from_this(), num_elements});
  const std::lock_guard lock(mutex_);
  bytes_ += bytes;
  peak_bytes_ = std::max(peak_bytes_, bytes_);
  return buffer;
}

void GradientMemory::give(float* block, std::int64_t num_elements) {
  const std::int64_t bytes = bytes_of(num_elements);
  source_.give(block, static_cast<std::size_t>(bytes));
  const std::lock_guard lock(mutex_);
  bytes_ -= bytes;
}

std::int64_t GradientMemory::peak_bytes() const {
  const std::lock_guard lock(mutex_);
  return peak_bytes_;
}

}  // namespace reprise::dist
