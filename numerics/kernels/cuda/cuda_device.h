#pragma once
// A GPU as a Device: every operator is a launcher of its family's header.

#include <memory>

#include "reprise/numerics/device.h"

namespace reprise::numerics::cuda {

/// `kind` is what Device::kind() says. Throws Error(kDevice) for a GPU that has less shared memory than kernels need.
std::unique_ptr<Device> make_device(int index, std::string_view kind, WorkOrder order = WorkOrder::kOwn);

}  // namespace reprise::numerics::cuda
