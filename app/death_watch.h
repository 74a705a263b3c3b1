#pragma once
// A rank that dies while the others compute: they would notice at their next exchange, but mpirun may end them before.

#include <memory>

#include "reprise/dist/communicator.h"

namespace reprise::app {

/// Looks after the other ranks of `communicator` from a thread of its own. When one has died and disarm() is not called
/// within the second after that, because this rank computes or is held up, it prints the error that names the dead rank
/// and ends the process with the exit code of kDistributed. To be destroyed before the communicator.
class DeathWatch {
 public:
  explicit DeathWatch(const dist::Communicator& communicator);
  ~DeathWatch();
  DeathWatch(const DeathWatch&) = delete;
  DeathWatch& operator=(const DeathWatch&) = delete;

  /// From here on this rank speaks for itself.
  void disarm();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise::app
