#pragma once
// Writes checkpoints without holding up the run. With one rank a copy of the state goes to a background thread, one
// write at a time, while the next steps run; with several ranks the write is collective and in line. HDF5 is not
// thread-safe, so nothing else may call it while a writer is alive.

#include <filesystem>
#include <future>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/dist/communicator.h"
#include "training_state.h"

namespace reprise::train {

class CheckpointWriter {
 public:
  CheckpointWriter(std::filesystem::path folder, const TensorLayout& layout, dist::Communicator& communicator);
  /// Waits for the write in flight; its failure is lost, so call wait() first.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Writes `state`, whose root is `root`, and after a scheduled checkpoint deletes recovery files. A scheduled file
  /// of an earlier session is replaced; throws kCheckpoint when its root is another one. Failures of a background write
  /// are thrown by the next call of write(), poll() or wait(). Collective.
  void write(checkpoints::FileKind kind, const TrainingState& state, bool store_moments, const Digest& root);
  /// Throws the failure of a background write that has ended; does not wait.
  void poll();
  /// Waits for the write in flight. Throws its failure.
  void wait();

  /// Seconds spent writing so far, in the background or not, without the write in flight.
  double write_seconds() const { return write_seconds_; }

 private:
  struct Job {
    checkpoints::FileKind kind = checkpoints::FileKind::kScheduled;
    bool store_moments = false;
    Digest root;
  };
  double perform(const Job& job, const TrainingState& state);
  void require_same_root(const Job& job, std::uint64_t step) const;
  void delete_recovery_files() const;

  std::filesystem::path folder_;
  const TensorLayout& layout_;
  dist::Communicator& communicator_;
  TrainingState snapshot_;  // belongs to the background write while there is one
  std::future<double> in_flight_;
  double write_seconds_ = 0;
};

}  // namespace reprise::train
