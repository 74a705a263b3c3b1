#include "reprise/core/stop.h"

#include <signal.h>

#include <atomic>

namespace reprise {
namespace {

std::atomic<int> requested_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int signal_number) {
  if (requested_signal.exchange(signal_number) != 0) {
    ::signal(signal_number, SIG_DFL);
    ::raise(signal_number);
  }
}

}  // namespace

StopHandlers::StopHandlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

StopHandlers::~StopHandlers() {
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
}

void end_on_stop_signals() {
  for (const int signal_number : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) ::signal(signal_number, SIG_DFL);
}

int stop_signal() noexcept { return requested_signal.load(); }

void request_stop(int signal_number) noexcept { requested_signal.store(signal_number); }

}  // namespace reprise
