#pragma once
// LibTorch on the CPU. Shows nothing of LibTorch.

#include <string>

namespace reprise::native_ops {

/// What decides bits on a CPU: "cpu, LibTorch 2.11.0, AVX512", the kernels that LibTorch chose by the machine, or by
/// ATEN_CPU_CAPABILITY.
std::string cpu_description();

}  // namespace reprise::native_ops
