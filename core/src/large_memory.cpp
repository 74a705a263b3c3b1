#include "reprise/core/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <new>

namespace reprise {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kSlab = 16 * kHugePage;
constexpr std::size_t kLine = 64;
// Blocks of the same power of two would all begin at the same place of the caches' sets; a few lines more move each on.
constexpr std::size_t kStagger = 5 * kLine;

/// Rounds up to one of eight sizes per power of two, so that blocks of nearly the same size are used for one another.
std::size_t size_class(std::size_t num_bytes) {
  const std::size_t size = std::max(num_bytes, 8 * kLine);
  const std::size_t step = std::bit_floor(size) / 8;
  return (size + step - 1) / step * step + kStagger;
}

}  // namespace

void advise_huge_pages(void* data, std::size_t num_bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t begin = (address + kHugePage - 1) / kHugePage * kHugePage;
  const std::uintptr_t end = (address + num_bytes) / kHugePage * kHugePage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

MemoryPool::~MemoryPool() {
  for (const Slab& slab : slabs_) std::free(slab.data);
}

void* MemoryPool::take(std::size_t num_bytes) {
  if (num_bytes > std::numeric_limits<std::ptrdiff_t>::max()) throw std::bad_alloc();  // rounded up it would be little
  const std::size_t size = size_class(num_bytes);
  const std::lock_guard lock(mutex_);
  std::vector<void*>& blocks = free_[size];
  if (blocks.empty()) return take_from_slab(size);
  void* const block = blocks.back();
  blocks.pop_back();
  return block;
}

void MemoryPool::give(void* block, std::size_t num_bytes) {
  const std::lock_guard lock(mutex_);
  free_[size_class(num_bytes)].push_back(block);
}

std::size_t MemoryPool::bytes_reserved() const {
  const std::lock_guard lock(mutex_);
  return reserved_;
}

void* MemoryPool::take_from_slab(std::size_t num_bytes) {
  num_bytes = (num_bytes + kLine - 1) / kLine * kLine;
  if (slabs_.empty() || used_ + num_bytes > slabs_.back().num_bytes) {
    const std::size_t size = std::max(kSlab, (num_bytes + kHugePage - 1) / kHugePage * kHugePage);
    void* const data = std::aligned_alloc(kHugePage, size);
    if (data == nullptr) throw std::bad_alloc();
    advise_huge_pages(data, size);
    slabs_.push_back({data, size});
    used_ = 0;
    reserved_ += size;
  }
  void* const block = static_cast<char*>(slabs_.back().data) + used_;
  used_ += num_bytes;
  return block;
}

}  // namespace reprise
