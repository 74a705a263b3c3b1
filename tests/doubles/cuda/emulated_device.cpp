#include "emulated_device.h"

#include "cuda_device.h"

namespace reprise::emulation {

std::unique_ptr<numerics::Device> make_emulated_device(numerics::WorkOrder order, int device) {
  return numerics::cuda::make_device(device, "emulated", order);
}

}  // namespace reprise::emulation
