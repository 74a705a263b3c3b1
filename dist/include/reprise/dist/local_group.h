#pragma once
// Several ranks inside one process, one thread each: the same contract as between processes, for tests and for trying
// a change of rank count without MPI. Data is copied through memory; a rank that fails or leaves wakes the others.

#include <functional>
#include <memory>
#include <vector>

#include "reprise/dist/communicator.h"

namespace reprise::dist {

/// Returns the communicators of a group of `num_ranks`, by rank; each is to be used by one thread. backend() is
/// "local". A collective call throws kDistributed on every rank when one rank's sizes do not match, when one has called
/// abort() (which here throws, and ends no process), and when a communicator of the group has been destroyed before.
std::vector<std::unique_ptr<Communicator>> make_local_group(int num_ranks);

/// Runs `body` on `num_ranks` threads of one group and waits for all. Rethrows the exception that came first; the other
/// ranks see it as kDistributed and end too. Throws kOutOfMemory where the system has not that many threads.
void run_local_group(int num_ranks, const std::function<void(Communicator&)>& body);

}  // namespace reprise::dist
