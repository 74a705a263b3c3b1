#pragma once
// Looks at a replay from inside, step by step, and changes nothing: statistics and averages of any finished run
// (docs/reference/statistics.md).

#include <cstdint>
#include <span>

#include "batch.h"
#include "step.h"
#include "training_model.h"

namespace reprise::train {

class StepObserver {
 public:
  virtual ~StepObserver() = default;
  /// Before step `step`: the state of the step before it, and the batch.
  virtual void before(std::uint64_t step, const TrainingModel& model, const Batch& batch) = 0;
  /// Whether gradient() is to be called in step `step`; a device's has to be fetched.
  virtual bool wants_gradient(std::uint64_t step) const = 0;
  /// In the step: its mean gradient, before clipping.
  virtual void gradient(std::uint64_t step, std::span<const float> values) = 0;
  /// Behind it, once its record is in run.log.
  virtual void after(const logs::StepRecord& record, const TrainingModel& model) = 0;
};

}  // namespace reprise::train
