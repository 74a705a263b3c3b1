#pragma once
// Graceful stop. SIGINT and SIGTERM set a flag that long loops ask; a second signal ends the process at once.

namespace reprise {

/// Installs the handlers. Call once, from main.
void install_stop_handlers();

/// Returns the signal that asked for a stop, or 0.
int stop_signal() noexcept;

/// Sets the flag as if `signal_number` had come (0 clears it). For tests and for ranks told by another rank.
void request_stop(int signal_number) noexcept;

}  // namespace reprise
