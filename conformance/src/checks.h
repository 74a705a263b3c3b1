#pragma once
// The checks of the conformance program, each of which fills its part of a report.

#include <cstdint>
#include <functional>
#include <string>

#include "operator_cells.h"
#include "report.h"
#include "reprise/numerics/device.h"
#include "training.h"

namespace reprise::conformance {

/// Called now and then with what has been done.
using SayProgress = std::function<void(const std::string& text)>;

/// Computes cells [0, num_cells) on the CPU and on `device` and compares every bit, NaNs as one value. Where the device
/// is the CPU, its active target is compared with the portable one.
OperatorReport check_operators(numerics::Device& device, std::uint32_t num_cells, CellSize size,
                               const SayProgress& say);

/// Trains for `steps` and compares with the published digests that lie within them; a shape of which none is published
/// is trained on the CPU too and compared at the end.
TrainingReport check_training(numerics::Device& device, const TrainingShape& shape, std::int64_t steps,
                              const SayProgress& say);

/// Trains under the native profile twice from the start, each time on a new device of `make`, with operands of either
/// type: the bits must be the same, and the losses of the first steps near those of the exact profile on `exact`.
NativeReport check_native(const std::function<NativeDevice()>& make, numerics::Device& exact,
                          const TrainingShape& shape, std::int64_t steps, const SayProgress& say);

}  // namespace reprise::conformance
