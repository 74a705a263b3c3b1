#pragma once
// What fixes the sums of LibTorch's operators on one model of GPU.

#include <string>

namespace reprise::native_ops {

/// Gives cuBLAS workspaces of one size, without which it may choose among kernels by what else runs, and returns them
/// as the environment names them. Throws Error(kUsage) when the environment names others, or asks the libraries of CUDA
/// for another arithmetic or for choices by time. To be called before cuBLAS starts.
std::string fix_environment();

/// Deterministic algorithms, binary32 products without TF32, sums of bfloat16 products in binary32, and for attention
/// the two ways with a deterministic backward pass.
void fix_operators();

}  // namespace reprise::native_ops
