#include "emulated_device.h"

#include "cuda_device.h"
#include "emulated_stream.h"

namespace reprise::emulation {

std::unique_ptr<numerics::Device> make_emulated_device(numerics::WorkOrder order) {
  return numerics::cuda::make_device(kDevice, "emulated", order);
}

}  // namespace reprise::emulation
