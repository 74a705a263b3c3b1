// What a build without CUDA says of GPUs.

#include "reprise/core/error.h"
#include "reprise/numerics/device.h"

namespace reprise::numerics {

std::unique_ptr<Device> make_cuda_device(int, WorkOrder) {
  throw Error(ErrorKind::kDevice, "this build has no CUDA kernels",
              "build with the preset `cuda` on a machine with the CUDA 13.0 toolkit, or compute on the CPU");
}

int num_cuda_devices() { return 0; }

}  // namespace reprise::numerics
