#pragma once
// The check of the native profile, which fills its part of a report.

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "checks.h"
#include "named_device.h"
#include "report.h"
#include "training.h"

namespace reprise::conformance {

struct NativeModel {
  std::string_view name;
  TrainingShape shape;
  std::int64_t most_steps;  // that it is trained for, of those asked for
};

/// The model of the training check first; then what it leaves out: rows that a warp's registers do not hold, and a
/// document mask, under which attention is plain products with either type.
std::span<const NativeModel> native_models(bool small);

/// Trains each model under the native profile twice from the start, each time on a new device of `make`, with operands
/// of either type: the bits must be the same, the losses of the first steps near those of the exact profile on
/// `exact`, and so the first gradients.
NativeReport check_native(const std::function<NativeDevice()>& make, numerics::Device& exact,
                          std::span<const NativeModel> models, std::int64_t steps, const SayProgress& say);

}  // namespace reprise::conformance
