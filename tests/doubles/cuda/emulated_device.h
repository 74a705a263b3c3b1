#pragma once
// The GPU's kernels on the emulated GPU (emulated_cuda.h).

#include <memory>

#include "reprise/numerics/device.h"

namespace reprise::emulation {

std::unique_ptr<numerics::Device> make_emulated_device(numerics::WorkOrder order = numerics::WorkOrder::kOwn);

}  // namespace reprise::emulation
