#include "reprise/native_ops/cpu.h"

#include <ATen/Version.h>
#include <fmt/format.h>
#include <torch/version.h>

namespace reprise::native_ops {

std::string cpu_description() { return fmt::format("cpu, LibTorch {}, {}", TORCH_VERSION, at::get_cpu_capability()); }

}  // namespace reprise::native_ops
