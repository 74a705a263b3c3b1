#pragma once
// Graceful stop, for work that asks: SIGINT and SIGTERM set a flag; a second signal ends the process at once. Where no
// StopHandlers live a signal ends the process, and files that are written atomically stay whole.

namespace reprise {

/// Handles the signals while it lives; behind it they end the process again.
class StopHandlers {
 public:
  StopHandlers();
  ~StopHandlers();
  StopHandlers(const StopHandlers&) = delete;
  StopHandlers& operator=(const StopHandlers&) = delete;
};

/// Lets every signal that asks for a stop end the process, also those that a parent passes on to ranks.
void end_on_stop_signals();

/// Returns the signal that asked for a stop, or 0.
int stop_signal() noexcept;

/// Sets the flag as if `signal_number` had come (0 clears it). For tests and for ranks told by another rank.
void request_stop(int signal_number) noexcept;

}  // namespace reprise
