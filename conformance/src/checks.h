#pragma once
// The checks of the exact profile, each of which fills its part of a report.

#include <cstdint>
#include <functional>
#include <string>

#include "operator_cells.h"
#include "report.h"
#include "reprise/numerics/device.h"
#include "training.h"

namespace reprise::conformance {

/// Called now and then with what has been done, and with what was found as soon as it is; by one thread at a time.
using SayProgress = std::function<void(const std::string& text)>;

/// Computes cells [0, num_cells) on the CPU and on `device` and compares every bit, NaNs as one value. Where the device
/// is the CPU, its active target is compared with the portable one.
OperatorReport check_operators(numerics::Device& device, std::uint32_t num_cells, CellSize size,
                               const SayProgress& say);

/// Trains for `steps` and compares with the published digests that lie within them; a shape of which none is published
/// is trained on the CPU too and compared at the end.
TrainingReport check_training(numerics::Device& device, const TrainingShape& shape, std::int64_t steps,
                              const SayProgress& say);

}  // namespace reprise::conformance
