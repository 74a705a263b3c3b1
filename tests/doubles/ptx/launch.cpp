// What nvcc writes into a source that has kernels: it registers them before main(), and starts them by these calls.

#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "gpu.h"
#include "stream.h"

namespace reprise::ptx {
namespace {

constexpr std::size_t kSharedWithoutAsking = 48 << 10;

struct FatBinaryWrapper {  // fatbinary_section.h
  int magic, version;
  const void* data;
  const void* others;
};

struct CallConfiguration {
  dim3 grid, block;
  std::size_t dynamic_shared;
  cudaStream_t stream;
};
thread_local CallConfiguration configuration;

struct AskedFor {
  std::mutex mutex;
  std::map<const void*, std::size_t> bytes;
};
AskedFor& asked_for() {
  static AskedFor all;
  return all;
}

/// As for the emulated GPU: REPRISE_EMULATION_ORDER is forward (the default), backward, or a seed.
void order_as_asked(Launch& launch) {
  const char* const order = std::getenv("REPRISE_EMULATION_ORDER");
  if (order == nullptr || std::strcmp(order, "forward") == 0) return;
  launch.order = std::strcmp(order, "backward") == 0 ? Order::kBackward : Order::kRandom;
  launch.seed = static_cast<std::uint32_t>(std::strtoul(order, nullptr, 10));
}

Extent extent_of(const dim3& size) { return {size.x, size.y, size.z}; }

bool may_have(const void* function, const Kernel& kernel, std::size_t dynamic_shared) {
  if (kernel.static_shared + dynamic_shared <= kSharedWithoutAsking) return true;
  const std::lock_guard lock(asked_for().mutex);
  return dynamic_shared <= asked_for().bytes[function];
}

std::vector<std::byte> parameters_of(const Kernel& kernel, void** arguments) {
  std::vector<std::byte> parameters(kernel.parameter_space);
  for (std::size_t i = 0; i < kernel.parameter_bytes.size(); ++i) {
    std::memcpy(parameters.data() + kernel.parameter_offsets[i], arguments[i], kernel.parameter_bytes[i]);
  }
  return parameters;
}

}  // namespace
}  // namespace reprise::ptx

using namespace reprise::ptx;

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  const void* const data = static_cast<FatBinaryWrapper*>(wrapper)->data;
  register_fat_binary(data);
  return static_cast<void**>(wrapper);
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void**, const char* function, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*,
                            int*) {
  register_kernel(function, name);
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t dynamic_shared, cudaStream_t stream) {
  configuration = {grid, block, dynamic_shared, stream};
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* dynamic_shared, void* stream) {
  *grid = configuration.grid;
  *block = configuration.block;
  *dynamic_shared = configuration.dynamic_shared;
  *static_cast<cudaStream_t*>(stream) = configuration.stream;
  return cudaSuccess;
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void*>(function));
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaErrorInvalidValue;
  const auto bytes = static_cast<std::size_t>(value);
  if (kernel_of(function).static_shared + bytes > shared_bytes_of(current_device())) return cudaErrorInvalidValue;
  const std::lock_guard lock(asked_for().mutex);
  asked_for().bytes[function] = bytes;
  return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t handle, dim3 grid, dim3 block, void** arguments, std::size_t dynamic_shared,
                               cudaStream_t stream) {
  const void* const function = reinterpret_cast<const void*>(handle);
  const Kernel& kernel = kernel_of(function);
  if (!may_have(function, kernel, dynamic_shared)) stop(kernel.name + " has more shared memory than it asked for");
  Launch launch{kernel, extent_of(grid), extent_of(block), static_cast<std::uint32_t>(dynamic_shared),
                parameters_of(kernel, arguments)};
  order_as_asked(launch);
  stream_of(stream).add([launch] { execute_or_stop(launch); });
  return cudaSuccess;
}
}
