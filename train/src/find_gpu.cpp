#include <fmt/format.h>

#include <functional>
#include <optional>

#include "reprise/core/device_name.h"
#include "reprise/core/error.h"
#include "reprise/dist/host_place.h"
#include "reprise/native_ops/gpu.h"
#include "reprise/train/compute_settings.h"

namespace reprise::train {
namespace {

/// The index of the GPU of a name, which is not the CPU's. `num_gpus` may throw. Collective.
int gpu_index(const std::string& name, dist::Communicator& communicator, const std::function<int()>& num_gpus) {
  const dist::HostPlace place = dist::place_on_host(communicator);
  const std::optional<DeviceName> device = parse_device_name(name);
  REPRISE_REQUIRE(device && !device->is_cpu, ErrorKind::kUsage,
                  fmt::format("runtime.device: there is no device \"{}\"", name), "cpu, cuda or cuda:N");
  if (device->index) return *device->index;
  const int count = num_gpus();
  // One alone is taken: Slurm shows every task its own.
  REPRISE_REQUIRE(count <= 1 || count >= place.num_ranks, ErrorKind::kDevice,
                  fmt::format("{} ranks run on this machine, which has {} GPUs", place.num_ranks, count),
                  "start at most as many ranks on a machine as it has GPUs");
  return count <= 1 ? 0 : place.index;
}

}  // namespace

std::shared_ptr<numerics::Device> find_gpu(const std::string& name, dist::Communicator& communicator,
                                           numerics::WorkOrder order) {
  return numerics::make_cuda_device(gpu_index(name, communicator, numerics::num_cuda_devices), order);
}

NativeDevice find_native_gpu(const std::string& name, dist::Communicator& communicator) {
  const int index = gpu_index(name, communicator, [] {
    native_ops::use_gpus();
    return native_ops::num_gpus();
  });
  native_ops::use_gpus();
  const int count = native_ops::num_gpus();
  REPRISE_REQUIRE(index < count, ErrorKind::kDevice,
                  fmt::format("runtime.device \"{}\" is GPU {}; LibTorch sees {} of them", name, index, count),
                  "check nvidia-smi, the driver and CUDA_VISIBLE_DEVICES");
  return {fmt::format("cuda:{}", index), native_ops::gpu_description(index)};
}

}  // namespace reprise::train
