#include "emulated_device.h"

namespace reprise::emulation {

std::unique_ptr<numerics::Device> make_emulated_device(numerics::WorkOrder order, int device) {
  return numerics::make_cuda_device(device, order);
}

}  // namespace reprise::emulation
