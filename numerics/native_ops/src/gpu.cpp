#include "reprise/native_ops/gpu.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <array>
#include <mutex>

#include "gpu_settings.h"
#include "reprise/core/error.h"
#include "torch_cuda_library.h"

namespace reprise::native_ops {
namespace {

std::string cublas_workspace;

struct Model {
  std::string name;
  int num_multiprocessors = 0;
};

/// By the driver: LibTorch's own function for it has a struct that changes with CUDA's version.
Model model_of(int index) {
  constexpr char kDriver[] = "libcuda.so.1";
  void* const driver = ::dlopen(kDriver, RTLD_NOW | RTLD_LOCAL);
  const auto find = [&](const char* name) { return driver == nullptr ? nullptr : ::dlsym(driver, name); };
  const auto init = reinterpret_cast<int (*)(unsigned)>(find("cuInit"));
  const auto get = reinterpret_cast<int (*)(int*, int)>(find("cuDeviceGet"));
  const auto get_name = reinterpret_cast<int (*)(char*, int, int)>(find("cuDeviceGetName"));
  const auto get_attribute = reinterpret_cast<int (*)(int*, int, int)>(find("cuDeviceGetAttribute"));
  constexpr int kMultiprocessorCount = 16;  // CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
  std::array<char, 256> name{};
  int device = 0, num_multiprocessors = 0;
  const bool has_all = init != nullptr && get != nullptr && get_name != nullptr && get_attribute != nullptr;
  const bool found = has_all && init(0) == 0 && get(&device, index) == 0 &&
                     get_name(name.data(), static_cast<int>(name.size()) - 1, device) == 0 &&
                     get_attribute(&num_multiprocessors, kMultiprocessorCount, device) == 0;
  REPRISE_REQUIRE(found, ErrorKind::kDevice, fmt::format("{} does not say what GPU {} is", kDriver, index),
                  "check the driver with nvidia-smi");
  return {name.data(), num_multiprocessors};
}

/// That of a device's memory, if it counts; it does from its first tensor on.
c10::DeviceAllocator* counting_allocator(const at::Device& device) {
  try {
    auto* const allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type()));
    return allocator != nullptr && allocator->initialized() ? allocator : nullptr;
  } catch (const c10::Error&) {  // nobody has memory of this type
    return nullptr;
  }
}

}  // namespace

void use_gpus() {
  static std::once_flag once;
  std::call_once(once, [] {
    cublas_workspace = fix_environment();
    load_torch_cuda();
    fix_operators();
  });
}

int num_gpus() { return at::detail::getCUDAHooks().getNumGPUs(); }

std::string gpu_description(int index) {
  const long cuda = at::detail::getCUDAHooks().versionCUDART();
  const Model model = model_of(index);
  // The number of multiprocessors comes last: logs of older versions end before it.
  return fmt::format("{}, LibTorch {}, CUDA {}.{}, cuBLAS workspace {}, {} multiprocessors", model.name, TORCH_VERSION,
                     cuda / 1000, cuda % 1000 / 10, cublas_workspace, model.num_multiprocessors);
}

std::optional<std::size_t> peak_bytes(const std::string& device) {
  const at::Device of(device);
  c10::DeviceAllocator* const allocator = counting_allocator(of);
  if (allocator == nullptr) return {};
  constexpr auto kAllPools = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return static_cast<std::size_t>(allocator->getDeviceStats(of.index()).allocated_bytes.at(kAllPools).peak);
}

void forget_peak_bytes(const std::string& device) {
  const at::Device of(device);
  if (c10::DeviceAllocator* const allocator = counting_allocator(of)) allocator->resetPeakStats(of.index());
}

}  // namespace reprise::native_ops
