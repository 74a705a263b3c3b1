#include "named_device.h"

#include <fmt/format.h>

#include <optional>

#include "reprise/core/error.h"
#include "reprise/native_ops/gpu.h"
#include "reprise/numerics/find_device.h"

namespace reprise::conformance {
namespace {

DeviceName parsed(const std::string& name) {
  const std::optional<DeviceName> device = parse_device_name(name);
  REPRISE_REQUIRE(device, ErrorKind::kUsage, fmt::format("--device {}: there is no such device", name),
                  "cpu, cuda or cuda:N");
  return *device;
}

}  // namespace

std::shared_ptr<numerics::Device> device_of_name(const std::string& name) {
  return numerics::find_device(parsed(name));
}

NativeDevice native_device_of_name(const std::string& name) {
  const DeviceName device = parsed(name);
  REPRISE_REQUIRE(!device.is_cpu, ErrorKind::kDevice, "--device cpu: the native profile is looked at on a GPU",
                  "--device cuda");
  native_ops::use_gpus();
  const int index = device.index.value_or(0), count = native_ops::num_gpus();
  REPRISE_REQUIRE(index < count, ErrorKind::kDevice,
                  fmt::format("--device {} is GPU {}; LibTorch sees {} of them", name, index, count),
                  "check nvidia-smi, the driver and CUDA_VISIBLE_DEVICES");
  return {numerics::make_cuda_device(index, numerics::WorkOrder::kLibTorch), fmt::format("cuda:{}", index),
          native_ops::gpu_description(index)};
}

std::string usual_device() { return REPRISE_USUAL_DEVICE; }

}  // namespace reprise::conformance
