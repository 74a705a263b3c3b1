#include <string>

#include "cuda_device.h"
#include "reprise/core/error.h"
#include "runtime.h"

namespace reprise::numerics {

std::unique_ptr<Device> make_cuda_device(int index, WorkOrder order) {
  const cuda::DeviceCount found = cuda::device_count();
  if (index < 0 || index >= found.count) {
    throw Error(ErrorKind::kDevice,
                "there is no GPU " + std::to_string(index) + ": the CUDA runtime sees " + std::to_string(found.count) +
                    (found.problem.empty() ? "" : ": " + found.problem),
                "nvidia-smi lists them; CUDA_VISIBLE_DEVICES hides some");
  }
  return cuda::make_device(index, "cuda", order);
}

int num_cuda_devices() { return cuda::device_count().count; }

}  // namespace reprise::numerics
