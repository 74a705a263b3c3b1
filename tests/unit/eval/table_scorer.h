#pragma once
// A scorer whose answers can be worked out by hand, and which remembers what it was asked.

#include <mutex>
#include <vector>

#include "reprise/eval/scoring.h"

namespace reprise::eval {

/// The loss of a target t after the input i at position p of its sequence is t + i / 16 + p / 256: exact in binary32.
class TableScorer : public Scorer {
 public:
  struct Call {
    std::vector<std::int32_t> inputs;
    std::vector<std::int32_t> targets;
    std::int64_t num_sequences = 0;
    std::int64_t length = 0;
  };

  static float loss(std::int32_t input, std::int32_t target, std::int64_t position) {
    return static_cast<float>(target) + static_cast<float>(input) / 16 + static_cast<float>(position) / 256;
  }

  std::vector<float> score(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                           std::int64_t num_sequences, std::int64_t length) const override {
    std::vector<float> losses(targets.size());
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const auto position = static_cast<std::int64_t>(i) % length;
      losses[i] = targets[i] < 0 ? 0 : loss(inputs[i], targets[i], position);
    }
    const std::lock_guard lock(mutex_);
    calls_.push_back({{inputs.begin(), inputs.end()}, {targets.begin(), targets.end()}, num_sequences, length});
    return losses;
  }

  const std::vector<Call>& calls() const { return calls_; }

 private:
  mutable std::mutex mutex_;
  mutable std::vector<Call> calls_;
};

}  // namespace reprise::eval
