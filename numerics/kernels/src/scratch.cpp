#include "scratch.h"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#include "reprise/core/large_memory.h"

namespace reprise::numerics {
namespace {

constexpr std::size_t kPage = 4096, kHugePage = std::size_t{2} << 20;
constexpr std::int64_t kOverrun = 64;

struct FreeAligned {
  void operator()(float* pointer) const { std::free(pointer); }
};

struct Buffer {
  std::unique_ptr<float[], FreeAligned> data;
  std::int64_t capacity = 0;
};

thread_local std::array<Buffer, static_cast<std::size_t>(Scratch::kCount)> buffers;

}  // namespace

float* scratch(Scratch which, std::int64_t count) {
  Buffer& buffer = buffers[static_cast<std::size_t>(which)];
  if (count + kOverrun <= buffer.capacity) return buffer.data.get();
  const std::size_t wanted = static_cast<std::size_t>(count + kOverrun) * sizeof(float);
  const std::size_t alignment = wanted < kHugePage / 2 ? kPage : kHugePage;
  const std::size_t num_bytes = (wanted + alignment - 1) / alignment * alignment;
  buffer.data.reset();
  buffer.capacity = 0;
  auto* memory = static_cast<float*>(std::aligned_alloc(alignment, num_bytes));
  if (memory == nullptr) throw std::bad_alloc();
  advise_huge_pages(memory, num_bytes);
  buffer.data.reset(memory);
  buffer.capacity = static_cast<std::int64_t>(num_bytes / sizeof(float));
  return memory;
}

}  // namespace reprise::numerics
