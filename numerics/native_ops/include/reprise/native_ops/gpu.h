#pragma once
// LibTorch on GPUs: the part of it that knows CUDA, and the settings that fix its sums. Shows nothing of LibTorch.

#include <cstddef>
#include <optional>
#include <string>

namespace reprise::native_ops {

/// Loads LibTorch's CUDA part and makes all its operators deterministic, for the whole process: to be called before any
/// thread computes with LibTorch. Does so once; tried again after a failure. Sets CUBLAS_WORKSPACE_CONFIG where it is
/// not set. Throws Error(kDevice) when the library is missing or another version, Error(kUsage) when the environment
/// asks for another arithmetic.
void use_gpus();

/// The GPUs this process may see. Behind use_gpus().
int num_gpus();

/// What decides bits on a GPU: "NVIDIA H100 80GB HBM3, LibTorch 2.11.0, CUDA 13.0, cuBLAS workspace :4096:8,
/// 132 multiprocessors". LibTorch and cuBLAS choose kernels and divide sums by that number, of which a process may be
/// given fewer than the model has. Behind use_gpus(). Throws Error(kDevice).
std::string gpu_description(int index);

/// Returns the most bytes that tensors had at once on a device of LibTorch's, "cuda:0", since the last
/// forget_peak_bytes(); none where LibTorch does not count them.
std::optional<std::size_t> peak_bytes(const std::string& device);
void forget_peak_bytes(const std::string& device);

}  // namespace reprise::native_ops
