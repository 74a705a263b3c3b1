#include "emulated_device.h"

#include "cuda_device.h"

namespace reprise::emulation {

std::unique_ptr<numerics::Device> make_emulated_device() { return numerics::cuda::make_device(0, "emulated"); }

}  // namespace reprise::emulation
