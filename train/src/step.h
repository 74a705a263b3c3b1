#pragma once
// One optimizer step (docs/numeric_contract.md): grains on threads, the tree over grains, exchange of slices, norm,
// clip, AdamW on slices, digests. The bits do not depend on ranks or threads; only this class knows both.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "batch.h"
#include "device_state.h"
#include "gather.h"
#include "gradient_reducer.h"
#include "reprise/configs/config.pb.h"
#include "reprise/core/thread_pool.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/logs/run_log.h"
#include "reprise/model/decoder.h"
#include "reprise/model/gradient_sink.h"
#include "slice_exchange.h"
#include "slice_optimizer.h"
#include "training_state.h"

namespace reprise::train {

/// Computes losses and gradients of consecutive grains, as many as the sink has: the decoder, or a double of it in
/// tests. Called from several threads.
using RunGrains = std::function<model::GrainLosses(std::span<const std::int32_t> inputs,
                                                   std::span<const std::int32_t> targets, model::GradientSink& sink)>;

/// How a rank runs its grains. None of it can change a bit.
struct StepSettings {
  int grains_per_forward = 1;        // how many grains one call of RunGrains gets; the last one of a rank may get fewer
  std::vector<ChunkRange> parts;     // of the gradient (model::gradient_parts()); empty: one
  DeviceState* on_device = nullptr;  // the state where RunGrains computes; null: in the host's memory
  std::function<void()> weights_changed = {};  // told when the step has changed the weights of all ranks
};

struct StepOutcome {
  logs::StepRecord record;
  int stop_signal = 0;                     // the largest any rank had seen; the same on every rank
  std::vector<std::uint64_t> bytes_sent;   // by rank, since its start
  std::vector<std::uint64_t> peak_memory;  // by rank, in bytes, since its start
  double compute_seconds = 0;              // grains
  double exchange_seconds = 0;             // transport between ranks behind the backward pass, waiting included
  double update_seconds = 0;               // end of the tree, norm, AdamW, digests
};

class StepRunner {
 public:
  /// For steps of `batch_sequences` sequences. `grain_threads` run grains and may be `threads`, which do the rest.
  StepRunner(const configs::TrainRecipe& recipe, std::uint32_t batch_sequences, const TensorLayout& layout,
             RunGrains run_grains, const StepSettings& settings, ThreadPool& grain_threads, ThreadPool& threads,
             dist::Communicator& communicator);

  /// Chunks whose moments this rank holds.
  ChunkRange slice() const { return exchange_.my_slice(); }

  /// Takes `state` from step s-1 to s with `batch`; with a state on a device, that one, and header and digests of this
  /// one. Collective. Throws kNumeric on every rank (tensor, step) when a
  /// loss, the gradient norm or the new state is not finite. A spike, where the recipe leaves those out, changes
  /// neither weights nor moments.
  StepOutcome run(std::uint64_t step, const Batch& batch, TrainingState& state);

  /// Lets `see` have the mean gradient of this rank's slice in every step, before it is clipped; empty: no longer.
  void show_gradient(std::function<void(std::span<const float>)> see) { see_gradient_ = std::move(see); }

  /// Fills state.digests for weights and moments as they are. Collective.
  void digest(TrainingState& state);

  /// Most bytes of gradients that were in use at once on this rank.
  std::int64_t peak_gradient_bytes() const { return reducer_.peak_bytes(); }

 private:
  struct Losses {
    std::vector<double> cross_entropy;  // by grain
    std::vector<double> z;
  };

  void compute_grains(const Batch& batch, Losses& mine);
  void compute_group(const Batch& batch, dist::LeafRange grains, Losses& mine);
  std::vector<float> gather_losses_and_sums(Losses& losses, const std::vector<float>& my_sums);
  void check_losses(std::uint64_t step, const Losses& losses) const;
  void set_losses(Losses& losses, std::uint64_t num_targets, logs::StepRecord& record) const;
  std::optional<logs::SkippedUpdate> judge_spike(const logs::StepRecord& record, SpikeWindow& window) const;
  double checked_norm(std::uint64_t step, const std::vector<float>& chunk_sums) const;
  void advance(std::uint64_t step, const Batch& batch, TrainingState& state, logs::StepRecord& record) const;
  void gather_digests(std::int64_t first_bad_chunk, TrainingState& state, StepOutcome& outcome);
  [[noreturn]] void throw_not_finite(std::string_view what, std::int64_t chunk, std::uint64_t step) const;

  std::function<void(std::span<const float>)> see_gradient_;
  configs::TrainRecipe recipe_;
  const TensorLayout& layout_;
  RunGrains run_grains_;
  std::function<void()> weights_changed_;
  std::int64_t grains_per_forward_;
  DeviceState* on_device_;
  ThreadPool& grain_threads_;
  dist::Communicator& communicator_;
  std::int64_t num_grains_;
  std::vector<ChunkRange> parts_;
  SliceExchange exchange_;
  GradientReducer reducer_;
  std::unique_ptr<SliceOptimizer> optimizer_;
};

}  // namespace reprise::train
