#pragma once
// Seconds between phases, for the closing table alone.

#include <chrono>

namespace reprise::audit {

class Stopwatch {
 public:
  /// Returns the seconds since construction or the last lap.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace reprise::audit
