#pragma once
// Where long work reports how far it is. The bar on a terminal and the lines in a log live in logs/.

#include <cstdint>
#include <string_view>

namespace reprise {

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// Starts a phase of `total` units ("documents", "bytes", "steps"); total 0 means unknown.
  virtual void begin(std::string_view phase, std::int64_t total, std::string_view unit) = 0;
  /// Says how many units are done, and optionally a short figure such as "loss 3.21".
  virtual void update(std::int64_t done, std::string_view figure = {}) = 0;
  virtual void end() = 0;
};

/// A sink that shows nothing.
ProgressSink& no_progress();

}  // namespace reprise
