#pragma once
// Where the operators of a thread compute.
//
// The tensors of another device than the CPU are `meta` tensors to LibTorch: shapes in a graph, with an address that
// only this project's kernels follow. So the exact profile needs nothing of LibTorch's own support for GPUs, an ATen
// operator that slips in computes nothing instead of reading foreign memory, and the autograd engine stays on the
// calling thread. A tensor of the wrong side is an error by name. Under the native profile LibTorch computes there,
// with tensors of its own device over the same memory.

#include <ATen/core/Tensor.h>

#include "reprise/numerics/device.h"

namespace reprise::ops {

/// From its making to its end the operators called by this thread take and give tensors of `device`. Scopes nest.
class DeviceScope {
 public:
  explicit DeviceScope(numerics::Device& device);
  /// `tensors_of`: the device's name to LibTorch, for the views made in this scope.
  DeviceScope(numerics::Device& device, at::Device tensors_of);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  numerics::Device* before_;
  at::Device tensors_before_;
};

/// The device of the innermost scope; the CPU without one.
numerics::Device& active_device();

/// Returns a tensor over memory of the active device, which is not owned.
at::Tensor view_of(float* data, at::IntArrayRef sizes);
at::Tensor view_of(std::int32_t* data, at::IntArrayRef sizes);

/// LibTorch's name for the active device's memory.
at::Device tensor_device();

}  // namespace reprise::ops
