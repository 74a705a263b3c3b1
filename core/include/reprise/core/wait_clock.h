#pragma once
// How long something has been waited for, by a loop that looks again and again.

#include <algorithm>
#include <chrono>

namespace reprise {

/// Counts the time between its own ticks. A gap of more than a second counts as one second: then this process was
/// itself stopped (a suspended job, a laptop asleep), which says nothing about what it waits for.
class WaitClock {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WaitClock(Clock::time_point now = Clock::now()) : last_(now) {}

  void tick(Clock::time_point now = Clock::now()) {
    waited_ += std::min<Clock::duration>(now - last_, std::chrono::seconds(1));
    last_ = now;
  }
  Clock::duration waited() const { return waited_; }

  /// Whether more than `patience` has been waited; a patience of 0 never ends.
  bool exceeds(std::chrono::seconds patience) const { return patience.count() > 0 && waited_ > patience; }

 private:
  Clock::time_point last_;
  Clock::duration waited_{0};
};

}  // namespace reprise
