#pragma once
// Tensors on a device of LibTorch's, "cuda:0", and the way there and back. On the CPU they are tensors like any.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace reprise::native_ops {

/// Runs `work` with `device` as LibTorch's current one; what LibTorch throws becomes Error(kDevice, kOutOfMemory).
void on_device(at::Device device, const std::function<void()>& work);

/// Returns `count` elements without values.
at::Tensor empty_on(at::Device device, std::int64_t count, at::ScalarType type);

/// Gives the memory that LibTorch keeps for tensors to come back to the device.
void give_back_unused(at::Device device);

/// The reverse: gives what the device of this thread's scope keeps unused back, for tensors
/// (Device::give_back_unused()). LibTorch's allocator of a GPU calls it, under its lock, where none of its blocks fits
/// and before it asks the GPU for one. Returns whether there was any.
bool give_back_for_tensors();

/// A copy of `tensor` in the device's memory, also where LibTorch's CPU stands for a device: kernels read it.
at::Tensor copied_to(at::Device device, const at::Tensor& tensor);

/// Rounds to the type of `to`. Waits until the values are in the host's memory, if `to` is.
void copy_values(const at::Tensor& from, const at::Tensor& to);

}  // namespace reprise::native_ops
