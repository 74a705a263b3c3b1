#pragma once
// Which steps are spikes ([C-43] of the numeric contract): losses and gradient norms far above those of the steps
// before.

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "reprise/configs/config.pb.h"
#include "reprise/logs/run_log.h"

namespace reprise::train {

/// The values of the last steps, at most the recipe's window, oldest first. Those of steps that were left out take
/// part.
class SpikeWindow {
 public:
  struct Values {
    double loss = 0;
    double gradient_norm = 0;
  };

  /// Returns why the step with `values`, the one behind those of the window, is left out; nothing when it is not.
  std::optional<logs::SkippedUpdate> judge(const configs::SpikeSkipping& recipe, const Values& values) const;
  /// Takes the values of the next step; those that leave the window are forgotten.
  void add(const configs::SpikeSkipping& recipe, const Values& values);

  std::size_t size() const { return values_.size(); }

  /// The window as bytes for other ranks, and back.
  std::string to_bytes() const;
  static SpikeWindow from_bytes(std::string_view bytes);

 private:
  double limit(double sigma, double Values::*value) const;

  std::deque<Values> values_;
};

/// The window behind the last step of `log`.
SpikeWindow spike_window_of(const configs::SpikeSkipping& recipe, const logs::RunLog& log);

}  // namespace reprise::train
