#pragma once
// Devices by their names.

#include <memory>

#include "reprise/core/device_name.h"
#include "reprise/numerics/device.h"

namespace reprise::numerics {

/// Returns the device of a name; "cuda" is GPU 0. Throws as make_cuda_device().
std::shared_ptr<Device> find_device(const DeviceName& name);

}  // namespace reprise::numerics
