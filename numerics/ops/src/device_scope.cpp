#include "reprise/ops/device_scope.h"

#include <ATen/ops/from_blob.h>

namespace reprise::ops {
namespace {

thread_local numerics::Device* of_this_thread = nullptr;
thread_local at::Device tensors_of_this_thread = at::kCPU;

at::Device tensors_of_exact(const numerics::Device& device) {
  return at::Device(&device == &numerics::cpu_device() ? at::kCPU : at::kMeta);
}

at::Tensor view(void* data, at::IntArrayRef sizes, at::ScalarType type) {
  const at::Device device = tensor_device();
  return at::for_blob(data, sizes)
      .options(at::TensorOptions().dtype(type).device(device))
      .target_device(device)  // else LibTorch would ask the address which device it is of
      .make_tensor();
}

}  // namespace

DeviceScope::DeviceScope(numerics::Device& device) : DeviceScope(device, tensors_of_exact(device)) {}
DeviceScope::DeviceScope(numerics::Device& device, at::Device tensors_of)
    : before_(of_this_thread), tensors_before_(tensors_of_this_thread) {
  of_this_thread = &device;
  tensors_of_this_thread = tensors_of;
}
DeviceScope::~DeviceScope() {
  of_this_thread = before_;
  tensors_of_this_thread = tensors_before_;
}

numerics::Device& active_device() { return of_this_thread == nullptr ? numerics::cpu_device() : *of_this_thread; }

at::Device tensor_device() { return tensors_of_this_thread; }

at::Tensor view_of(float* data, at::IntArrayRef sizes) { return view(data, sizes, at::kFloat); }
at::Tensor view_of(std::int32_t* data, at::IntArrayRef sizes) { return view(data, sizes, at::kInt); }

}  // namespace reprise::ops
