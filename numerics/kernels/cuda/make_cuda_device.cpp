#include <cstddef>
#include <string>

#include "cuda_device.h"
#include "reprise/core/error.h"
#include "runtime.h"

namespace reprise::numerics {
namespace {

// What compute capability 8.0 has, and the emulated GPU of the tests.
constexpr std::size_t kSharedBytes = 163 << 10;

}  // namespace

std::unique_ptr<Device> make_cuda_device(int index, WorkOrder order) {
  const cuda::DeviceCount found = cuda::device_count();
  if (index < 0 || index >= found.count) {
    throw Error(ErrorKind::kDevice,
                "there is no GPU " + std::to_string(index) + ": the CUDA runtime sees " + std::to_string(found.count) +
                    (found.problem.empty() ? "" : ": " + found.problem),
                "nvidia-smi lists them; CUDA_VISIBLE_DEVICES hides some");
  }
  const cuda::DeviceProperties properties = cuda::device_properties(index);
  if (properties.shared_bytes_per_block < kSharedBytes) {
    throw Error(ErrorKind::kDevice,
                properties.name + ", " + properties.versions + ": a kernel can have " +
                    std::to_string(properties.shared_bytes_per_block >> 10) + " KiB of shared memory, and needs " +
                    std::to_string(kSharedBytes >> 10),
                "compute capabilities 8.0, 9.0 and 10.0 have it: A100, H100, H200, B200");
  }
  return cuda::make_device(index, "cuda", order);
}

int num_cuda_devices() { return cuda::device_count().count; }

}  // namespace reprise::numerics
