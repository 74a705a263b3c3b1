#include "cpu_device.h"

namespace reprise::numerics {

Device& cpu_device() {
  static auto* const device = new CpuDevice;  // a tensor may outlive any other owner
  return *device;
}

}  // namespace reprise::numerics
