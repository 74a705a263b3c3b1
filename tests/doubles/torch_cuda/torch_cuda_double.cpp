// What LibTorch asks its CUDA part when no operator runs.

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Registry.h>

#include <array>
#include <memory>

// As in c10/cuda/CUDACachingAllocator.h, which includes CUDA's own headers.
namespace c10 {

class FreeMemoryCallback {
 public:
  virtual ~FreeMemoryCallback() = default;
  virtual bool Execute() = 0;
};
C10_DEFINE_REGISTRY(FreeCudaMemoryCallbacksRegistry, FreeMemoryCallback)

}  // namespace c10

namespace {

/// Has no memory, but asks for some, and counts: 1,000 and 2,000 bytes at most, 300 of them now.
struct MemoryDouble final : c10::DeviceAllocator {
  MemoryDouble() { c10::SetAllocator(c10::kCUDA, this); }
  c10::DataPtr allocate(std::size_t) override {
    auto* const callbacks = c10::FreeCudaMemoryCallbacksRegistry();
    for (const std::string& name : callbacks->Keys()) callbacks->Create(name)->Execute();
    TORCH_CHECK(false, "the double of a GPU has no memory");
  }
  void copy_data(void*, const void*, std::size_t) const override {}
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex device) override {
    c10::CachingDeviceAllocator::DeviceStats stats;
    stats.allocated_bytes[0].peak = peaks.at(static_cast<std::size_t>(device));
    stats.allocated_bytes[1].peak = 1;
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex device) override { peaks.at(static_cast<std::size_t>(device)) = 300; }

  std::array<std::int64_t, 2> peaks{1000, 2000};
};

MemoryDouble memory;

struct CudaDouble final : at::CUDAHooksInterface {
  explicit CudaDouble(at::CUDAHooksArgs) {}
  bool hasCUDART() const override { return true; }
  long versionCUDART() const override { return 13000; }
  int getNumGPUs() const override { return 2; }
};

}  // namespace

namespace at {

C10_REGISTER_TYPED_CLASS(CUDAHooksRegistry, "CUDAHooks", CudaDouble)

}  // namespace at
