#pragma once
// Writes checkpoints without holding up the run: a copy of the state goes to the one thread of the process that calls
// HDF5 while training runs (HDF5 is not thread-safe), one write at a time. With several ranks the threads write
// together over a communicator of their own, and every rank meets a failure at the same call, in the same words.

#include <filesystem>
#include <memory>

#include "io_thread.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/storage.h"
#include "reprise/dist/communicator.h"
#include "training_state.h"

namespace reprise::train {

class CheckpointWriter {
 public:
  /// Collective. The patience of `communicator` is also that with a write: one that takes longer counts as stuck. `rule`
  /// is applied to the folder behind every scheduled checkpoint.
  CheckpointWriter(std::filesystem::path folder, const TensorLayout& layout, dist::Communicator& communicator,
                   const checkpoints::StorageRule& rule = {});
  /// Finishes the write in flight; its failure is lost, so call wait() first. A write that cannot end, because a rank
  /// is lost, is left behind.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Waits for the write before, copies `state`, whose root is `root`, and starts to write it; after a file with
  /// moments all other recovery files are deleted. A scheduled file of an earlier session is replaced; when its root
  /// is another one, the write fails with kCheckpoint. Failures are thrown by the next write(), poll() or wait().
  /// Collective.
  void write(checkpoints::FileKind kind, const TrainingState& state, bool store_moments, const Digest& root);
  /// Throws the failure of a write that has ended; does not wait for one. Collective.
  void poll();
  /// Waits for the write in flight. Throws its failure, and kDistributed when a rank is lost or the patience is over.
  /// Collective.
  void wait();

  /// Seconds that the thread has spent writing so far, without the write in flight.
  double write_seconds() const { return write_seconds_; }

 private:
  struct Work;
  bool has_ended_everywhere();
  [[noreturn]] void throw_stuck();

  dist::Communicator& communicator_;
  std::shared_ptr<Work> work_;  // belongs to the thread while a write is in flight
  IoThread thread_;
  bool in_flight_ = false;
  bool given_up_ = false;
  double write_seconds_ = 0;
};

}  // namespace reprise::train
