#include "reprise/native_ops/device_tensors.h"

#include <ATen/ops/empty.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceGuard.h>
#include <fmt/format.h>

#include "reprise/core/error.h"
#include "reprise/ops/device_scope.h"

namespace reprise::native_ops {

void on_device(at::Device device, const std::function<void()>& work) {
  try {
    const c10::DeviceGuard current(device);
    work();
  } catch (const c10::OutOfMemoryError& error) {
    throw Error(ErrorKind::kOutOfMemory, fmt::format("{}: {}", device.str(), error.what_without_backtrace()),
                "runtime.recompute_layers needs less; so do fewer sequences in one pass (native.grains_per_forward, "
                "train.grain_sequences), which gives other bits");
  } catch (const c10::Error& error) {
    throw Error(ErrorKind::kDevice, fmt::format("{}: {}", device.str(), error.what_without_backtrace()),
                "check the GPU with nvidia-smi, and that the driver is new enough for this LibTorch");
  }
}

at::Tensor empty_on(at::Device device, std::int64_t count, at::ScalarType type) {
  return at::empty({count}, at::TensorOptions().dtype(type).device(device));
}

void give_back_unused(at::Device device) {
  auto* const allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type()));
  if (allocator != nullptr && allocator->initialized()) allocator->emptyCache();
}

bool give_back_for_tensors() { return ops::active_device().give_back_unused(); }

at::Tensor copied_to(at::Device device, const at::Tensor& tensor) {
  return tensor.to(tensor.options().device(device), /*non_blocking=*/false, /*copy=*/true);
}

void copy_values(const at::Tensor& from, const at::Tensor& to) { to.copy_(from); }

}  // namespace reprise::native_ops
