#include "emulated_torch.h"

#include <ATen/record_function.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "emulated_memory.h"
#include "reprise/core/error.h"
#include "reprise/native_ops/device_tensors.h"
#include "work_stream.h"

namespace reprise::emulation {
namespace {

void free_block(void* block);

/// Thread-safe.
class GpuMemory final : public c10::DeviceAllocator {
 public:
  c10::DataPtr allocate(std::size_t num_bytes) override {
    void* const block = num_bytes == 0 ? nullptr : take(num_bytes);
    return {block, block, &free_block, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, std::size_t num_bytes) const override { std::memcpy(to, from, num_bytes); }

  void give(void* block) {
    finish_all_streams();  // what LibTorch takes next for this memory is done behind them
    const std::lock_guard lock(mutex_);
    const std::size_t num_bytes = sizes_.extract(block).mapped();
    keeps_ ? kept_[num_bytes].push_back(block) : emulation::free(block);
  }
  void keep(bool keeps) {
    const std::lock_guard lock(mutex_);
    free_kept();
    keeps_ = keeps;
    is_lost_ = false;
  }
  void lose_gpu() { is_lost_ = true; }

  bool initialized() override { return keeps_; }
  void emptyCache(c10::MempoolId_t) override {
    TORCH_CHECK(!is_lost_, "the emulated GPU is lost");
    const std::lock_guard lock(mutex_);
    free_kept();
  }
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override { return {}; }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}

 private:
  void* take(std::size_t num_bytes) {
    const std::lock_guard lock(mutex_);
    void* const block = keeps_ ? take_or_grow(num_bytes) : allocate_if_any(num_bytes);
    TORCH_CHECK_WITH(OutOfMemoryError, block != nullptr, "no memory left for a tensor of ", num_bytes, " bytes");
    sizes_[block] = num_bytes;
    return block;
  }

  void* take_or_grow(std::size_t num_bytes) {
    std::vector<void*>& of_size = kept_[num_bytes];
    if (!of_size.empty()) {
      void* const block = of_size.back();
      of_size.pop_back();
      std::memset(block, 0xff, num_bytes);
      return block;
    }
    native_ops::give_back_for_tensors();
    if (void* const block = allocate_if_any(num_bytes)) return block;
    free_kept();
    return allocate_if_any(num_bytes);
  }

  static void* allocate_if_any(std::size_t num_bytes) {
    try {
      return emulation::allocate(num_bytes);
    } catch (const Error&) {
      return nullptr;
    }
  }

  void free_kept() {
    for (const auto& [size, blocks] : std::exchange(kept_, {})) {
      for (void* const block : blocks) emulation::free(block);
    }
  }

  std::mutex mutex_;
  bool keeps_ = false;
  bool is_lost_ = false;
  std::map<void*, std::size_t> sizes_;  // of tensors' blocks
  std::map<std::size_t, std::vector<void*>> kept_;
};

GpuMemory& gpu_memory() {
  static auto* const memory = new GpuMemory;  // tensors may outlive this
  return *memory;
}

void free_block(void* block) {
  if (block != nullptr) gpu_memory().give(block);
}

/// LibTorch's operators stand in the default stream: what that was given before is done.
std::unique_ptr<at::ObserverContext> finish_work_before(const at::RecordFunction&) {
  finish_all_streams();
  return nullptr;
}

}  // namespace

TorchOnEmulatedGpu::TorchOnEmulatedGpu(FreedTensors freed)
    : before_(c10::GetCPUAllocator()),
      observer_(at::addGlobalCallback(at::RecordFunctionCallback(&finish_work_before))) {
  gpu_memory().keep(freed == FreedTensors::kAreKept);
  c10::SetCPUAllocator(&gpu_memory(), /*priority=*/1);
}

TorchOnEmulatedGpu::~TorchOnEmulatedGpu() {
  at::removeCallback(observer_);
  c10::SetCPUAllocator(static_cast<c10::Allocator*>(before_), /*priority=*/1);
  gpu_memory().keep(false);
}

void TorchOnEmulatedGpu::lose_gpu() { gpu_memory().lose_gpu(); }

}  // namespace reprise::emulation
