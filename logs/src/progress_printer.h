#pragma once
// What make_progress() returns, with its terminal, clock and stream passed in, so that tests can drive it.

#include <functional>
#include <string>

#include "reprise/core/progress.h"

namespace reprise::logs {

struct ProgressOutput {
  std::function<void(std::string_view)> write;  // to stderr
  std::function<double()> seconds;              // a clock that only goes forward
  bool terminal = false;
  int columns = 80;
};

/// On a terminal: one line, drawn again at most ten times a second. Otherwise a line when 10 % more are done or 5 s
/// have passed (but not more than one a second), and a last one. Not thread-safe.
class ProgressPrinter : public ProgressSink {
 public:
  explicit ProgressPrinter(ProgressOutput output) : output_(std::move(output)) {}
  ~ProgressPrinter() override;

  void begin(std::string_view phase, std::int64_t total, std::string_view unit) override;
  void update(std::int64_t done, std::string_view figure) override;
  void end() override;

 private:
  bool is_due(double now) const;
  void draw(double now);
  void print_line(double now, bool last);
  std::string counts() const;
  std::string rate(double now) const;

  ProgressOutput output_;
  std::string phase_;
  std::string unit_;
  std::string figure_;
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
  double started_ = 0;
  double shown_at_ = 0;
  std::int64_t shown_done_ = 0;
  bool active_ = false;
  bool drawn_ = false;
};

/// "7s", "2m05s", "1h02m".
std::string duration_text(double seconds);

/// "950", "12.3k", "4.56M".
std::string count_text(double value);

}  // namespace reprise::logs
