#include "emulated_torch.h"

#include <c10/core/CPUAllocator.h>

#include <cstring>

#include "emulated_memory.h"

namespace reprise::emulation {
namespace {

void free_block(void* block) {
  if (block != nullptr) free(block);
}

class GpuMemory final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t num_bytes) override {
    void* const block = num_bytes == 0 ? nullptr : emulation::allocate(num_bytes);
    return {block, block, &free_block, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, std::size_t num_bytes) const override { std::memcpy(to, from, num_bytes); }
};

}  // namespace

TorchOnEmulatedGpu::TorchOnEmulatedGpu() : before_(c10::GetCPUAllocator()) {
  static auto* const memory = new GpuMemory;  // tensors may outlive this
  c10::SetCPUAllocator(memory, /*priority=*/1);
}

TorchOnEmulatedGpu::~TorchOnEmulatedGpu() {
  c10::SetCPUAllocator(static_cast<c10::Allocator*>(before_), /*priority=*/1);
}

}  // namespace reprise::emulation
