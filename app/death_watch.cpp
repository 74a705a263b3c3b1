#include "death_watch.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "reprise/core/error.h"
#include "reprise/core/print_note.h"

namespace reprise::app {
namespace {

constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::milliseconds kGrace{700};  // mpirun ends ranks by force about a second after the first death

}  // namespace

struct DeathWatch::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool disarmed = false;
  std::thread thread;

  /// Waits; true when disarmed meanwhile.
  bool disarmed_within(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, time, [&] { return disarmed; });
  }
};

DeathWatch::DeathWatch(const dist::Communicator& communicator) : state_(std::make_unique<State>()) {
  if (communicator.size() == 1) return;
  state_->thread = std::thread([&communicator, state = state_.get()] {
    std::string lost;
    while (lost.empty()) {
      if (state->disarmed_within(kLook)) return;
      lost = communicator.lost_rank();
    }
    if (state->disarmed_within(kGrace)) return;
    const Error error(ErrorKind::kDistributed, lost, "continue with `reprise train --resume RUN`");
    print_note("{}\n", error.formatted());
    std::fflush(nullptr);
    std::_Exit(exit_code(error.kind()));
  });
}

DeathWatch::~DeathWatch() {
  disarm();
  if (state_->thread.joinable()) state_->thread.join();
}

void DeathWatch::disarm() {
  const std::lock_guard lock(state_->mutex);
  state_->disarmed = true;
  state_->changed.notify_all();
}

}  // namespace reprise::app
