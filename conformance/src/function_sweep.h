#pragma once
// The exact functions over all 2^32 inputs, or the published sample of them, on a device.

#include <functional>
#include <memory>
#include <vector>

#include "checks.h"
#include "reprise/numerics/device.h"
#include "reprise/numerics/function_digests.h"

namespace reprise::conformance {

/// Makes the device to check; called from several threads, each of which checks functions on a device of its own.
using MakeDevice = std::function<std::shared_ptr<numerics::Device>()>;

/// Returns one check for each published function, in their order; says them as they end.
std::vector<numerics::FunctionCheck> sweep_functions(const MakeDevice& make_device, numerics::FunctionInputs inputs,
                                                     int num_threads, const SayProgress& say);

}  // namespace reprise::conformance
