#include "emulated_device.h"

#include "cuda_device.h"
#include "emulated_stream.h"

namespace reprise::emulation {

std::unique_ptr<numerics::Device> make_emulated_device() { return numerics::cuda::make_device(kDevice, "emulated"); }

}  // namespace reprise::emulation
