#include "reprise/numerics/find_device.h"

namespace reprise::numerics {

std::shared_ptr<Device> find_device(const DeviceName& name) {
  if (name.is_cpu) return {&cpu_device(), [](Device*) {}};
  return make_cuda_device(name.index.value_or(0));
}

}  // namespace reprise::numerics
