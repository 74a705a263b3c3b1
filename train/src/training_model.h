#pragma once
// Model, state and step of one rank, made from a resolved recipe: what `train` and `bench step` both run.

#include <memory>
#include <optional>
#include <string>

#include "device_state.h"
#include "reprise/configs/batch_plan.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/core/thread_pool.h"
#include "reprise/dist/communicator.h"
#include "reprise/model/decoder.h"
#include "reprise/train/compute_settings.h"
#include "run_folder.h"
#include "step.h"
#include "training_state.h"

namespace reprise::train {

/// Holds its parts at fixed addresses: the decoder and the runner point into layout and state.
class TrainingModel {
 public:
  /// Collective.
  TrainingModel(const configs::Recipe& recipe, const ComputeSettings& settings, ThreadPool& threads,
                dist::Communicator& communicator);
  TrainingModel(const TrainingModel&) = delete;
  TrainingModel& operator=(const TrainingModel&) = delete;

  /// Fills the state of step 0: initial weights, moments of zero, the header, digests. Collective.
  void initialize(const RunIdentity& identity);

  const TensorLayout& layout() const { return layout_; }
  const ChunkRange& slice() const { return state_.slice; }
  /// Of the state; its values stand in the host's memory whatever the device.
  checkpoints::Header& header() { return state_.header; }
  const checkpoints::Header& header() const { return state_.header; }
  const checkpoints::StateDigests& digests() const { return state_.digests; }
  /// The whole state, as it is now: brought from the device when it is newer there.
  const TrainingState& state() const;
  /// The same without the weights of other ranks' slices, which may be old: what this rank writes of a checkpoint.
  const TrainingState& state_of_slice() const;
  /// The state, for a change that the next step begins with.
  TrainingState& state_to_change();

  /// Makes runner() fit for step `step`, whose batch may have another size than the one before. Collective.
  void prepare_step(std::uint64_t step);
  /// StepRunner::run() on the state. Collective.
  StepOutcome run_step(std::uint64_t step, const Batch& batch);
  /// Fills the digests of the state as it is. Collective.
  void digest() { runner_->digest(state_); }
  StepRunner& runner() { return *runner_; }
  /// The decoder, with the weights as they are now; for Decoder::observe(), which reads the host's, call state() first.
  const model::Decoder& decoder() const;
  /// What computes grains: "cpu" (under native with LibTorch's version and kernels), or the GPU's model and versions.
  std::string device_description() const;
  /// Where what ranks exchange lies, "gpus" or "hosts"; empty for one rank, which exchanges nothing.
  std::string exchange_description() const {
    if (communicator_.size() == 1) return "";
    return device_state_ && !device_state_->is_shared() ? "gpus" : "hosts";
  }
  /// Threads that run whole grains.
  ThreadPool& grain_threads() { return *grain_threads_; }

 private:
  void find_device(const configs::Recipe& recipe, const ComputeSettings& settings);
  std::optional<model::NativeProfile> native_profile(const configs::Recipe& recipe) const;
  void choose_grain_threads(const configs::Recipe& recipe);
  void make_runner(std::uint32_t batch_sequences);

  configs::TrainRecipe recipe_;  // with the sequences of a leaf of the tree as its grain
  configs::BatchPlan plan_;
  StepSettings settings_;
  ThreadPool& threads_;
  dist::Communicator& communicator_;
  TensorLayout layout_;
  mutable TrainingState state_;                // state() brings its values from the device
  std::shared_ptr<numerics::Device> device_;   // null: the CPU
  std::unique_ptr<DeviceState> device_state_;  // null without a device
  bool is_native_;
  std::optional<NativeDevice> native_device_;  // the same device for LibTorch, under native
  std::unique_ptr<model::Decoder> decoder_;
  std::unique_ptr<ThreadPool> own_threads_;  // that run grains, where not all of `threads` do
  ThreadPool* grain_threads_ = nullptr;
  std::uint32_t runner_sequences_ = 0;
  std::unique_ptr<StepRunner> runner_;
};

}  // namespace reprise::train
