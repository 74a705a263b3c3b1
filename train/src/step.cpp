#include "step.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "device_slice_optimizer.h"
#include "loss_tree.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/peak_memory.h"
#include "reprise/core/stop.h"
#include "reprise/numerics/kernels.h"
#include "reprise/numerics/target.h"
#include "reprise/train/trainer.h"

namespace reprise::train {
namespace {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  /// Returns the seconds since the last lap or the start.
  double lap() {
    const double result = seconds();
    start_ = std::chrono::steady_clock::now();
    return result;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// What each rank says about the end of a step, before its digests.
struct SliceReport {
  std::int64_t first_bad_chunk = -1;
  std::uint64_t bytes_sent = 0;
  std::uint64_t peak_memory = 0;
  std::int32_t stop_signal = 0;
  std::int32_t padding = 0;  // sent over the wire, so never left to chance
};

/// Gives the gradients of one pass to the reducer.
class ReducerSink final : public model::GradientSink {
 public:
  ReducerSink(GradientReducer& reducer, dist::LeafRange grains)
      : reducer_(reducer), first_grain_(grains.begin), buffers_(reducer.parts().size()) {
    for (auto& of_part : buffers_) of_part.resize(static_cast<std::size_t>(grains.size()));
  }
  std::span<const ChunkRange> parts() const override { return reducer_.parts(); }
  std::size_t num_grains() const override { return buffers_[0].size(); }
  bool is_on_device() const override { return reducer_.is_on_device(); }
  float* take(std::size_t part, std::size_t grain) override {
    buffers_[part][grain] = reducer_.take(part);
    return buffers_[part][grain].get();
  }
  void done(std::size_t part) override {
    fault_point("compute");
    for (std::size_t grain = 0; grain < buffers_[part].size(); ++grain) {
      reducer_.give(first_grain_ + static_cast<std::int64_t>(grain), part, std::move(buffers_[part][grain]));
    }
  }

 private:
  GradientReducer& reducer_;
  std::int64_t first_grain_;
  std::vector<std::vector<dist::GradientBuffer>> buffers_;  // by part and grain
};

std::unique_ptr<SliceOptimizer> make_optimizer(const configs::TrainRecipe& recipe, const TensorLayout& layout,
                                               ChunkRange slice, const StepSettings& settings, ThreadPool& threads) {
  if (settings.on_device == nullptr) {
    return std::make_unique<HostSliceOptimizer>(recipe.adamw(), layout, slice, threads);
  }
  REPRISE_CHECK_EQ(settings.on_device->slice().begin, slice.begin);
  return std::make_unique<DeviceSliceOptimizer>(recipe.adamw(), layout, *settings.on_device, threads);
}

/// Where ranks exchange sums and weights; null: in the host's memory.
numerics::Device* device_of_exchange(const StepSettings& settings, const dist::Communicator& communicator) {
  const bool on_device = settings.on_device != nullptr && communicator.size() > 1 && !settings.on_device->is_shared();
  return on_device ? &settings.on_device->device() : nullptr;
}

}  // namespace

StepRunner::StepRunner(const configs::TrainRecipe& recipe, std::uint32_t batch_sequences, const TensorLayout& layout,
                       RunGrains run_grains, const StepSettings& settings, ThreadPool& grain_threads,
                       ThreadPool& threads, dist::Communicator& communicator)
    : recipe_(recipe),
      layout_(layout),
      run_grains_(std::move(run_grains)),
      weights_changed_(settings.weights_changed ? settings.weights_changed : [] {}),
      grains_per_forward_(std::max(1, settings.grains_per_forward)),
      on_device_(settings.on_device),
      grain_threads_(grain_threads),
      communicator_(communicator),
      num_grains_(batch_sequences / recipe.grain_sequences()),
      parts_(settings.parts.empty() ? std::vector<ChunkRange>{{0, layout.num_chunks()}} : settings.parts),
      exchange_(num_grains_, layout, parts_, communicator, device_of_exchange(settings, communicator)),
      reducer_(num_grains_, layout, parts_, exchange_, communicator.rank(), communicator.size(),
               settings.on_device == nullptr ? nullptr : &settings.on_device->device()),
      optimizer_(make_optimizer(recipe, layout, exchange_.my_slice(), settings, threads)) {}

StepOutcome StepRunner::run(std::uint64_t step, const Batch& batch, TrainingState& state) {
  StepOutcome outcome;
  Stopwatch watch;
  Losses losses;
  reducer_.begin();
  try {
    compute_grains(batch, losses);
  } catch (...) {
    reducer_.cancel();
    throw;
  }
  outcome.compute_seconds = watch.lap();
  const SliceSums slices = reducer_.finish();
  outcome.exchange_seconds = watch.lap();

  const std::vector<float>& my_sums = optimizer_->reduce(num_grains_, slices, batch.num_targets);
  outcome.update_seconds = watch.lap();
  const std::vector<float> chunk_sums = gather_losses_and_sums(losses, my_sums);
  outcome.exchange_seconds += watch.lap();
  check_losses(step, losses);

  logs::StepRecord& record = outcome.record;
  set_losses(losses, batch.num_targets, record);
  record.gradient_norm = checked_norm(step, chunk_sums);
  record.clip_factor = clip_factor(record.gradient_norm, recipe_.clip_norm());
  record.learning_rate = learning_rate(recipe_, step);
  record.skipped = judge_spike(record, state.spikes);
  if (see_gradient_) see_gradient_(optimizer_->gradient());
  const std::int64_t bad_chunk =
      record.skipped ? -1 : optimizer_->update(record.clip_factor, unrounded_learning_rate(recipe_, step), state);
  reducer_.release();
  outcome.update_seconds += watch.lap();
  exchange_.gather_slices(exchange_.is_on_device() ? std::span(on_device_->weights(), state.weights.size())
                                                   : std::span(state.weights));
  weights_changed_();
  gather_digests(bad_chunk, state, outcome);
  outcome.exchange_seconds += watch.lap();

  advance(step, batch, state, record);
  return outcome;
}

/// The state is that of step `step` now; the record says so.
void StepRunner::advance(std::uint64_t step, const Batch& batch, TrainingState& state, logs::StepRecord& record) const {
  state.header.step = step;
  state.header.next_sample = batch.first_sample + batch.num_sequences;
  state.header.tokens_seen += batch.inputs.size();
  record.step = step;
  record.first_sample = batch.first_sample;
  record.num_samples = batch.num_sequences;
  record.num_targets = batch.num_targets;
  record.tokens_seen = state.header.tokens_seen;
  record.state = checkpoints::state_digest(step, layout_, state.digests);
}

void StepRunner::set_losses(Losses& losses, std::uint64_t num_targets, logs::StepRecord& record) const {
  const auto targets = static_cast<double>(num_targets);
  // The z-loss weight is the binary32 value that the gradient was computed with.
  const auto z_weight = static_cast<double>(static_cast<float>(recipe_.z_loss()));
  record.loss = sum_by_tree(losses.cross_entropy) / targets;
  record.z_loss = sum_by_tree(losses.z) / targets * z_weight;
  record.grain_losses = std::move(losses.cross_entropy);
  record.grain_z_losses = std::move(losses.z);
}

/// Every rank knows loss and norm, so that all decide the same.
std::optional<logs::SkippedUpdate> StepRunner::judge_spike(const logs::StepRecord& record, SpikeWindow& window) const {
  if (!recipe_.has_spike_skipping()) return std::nullopt;
  const SpikeWindow::Values values{record.loss, record.gradient_norm};
  const std::optional<logs::SkippedUpdate> skipped = window.judge(recipe_.spike_skipping(), values);
  window.add(recipe_.spike_skipping(), values);
  return skipped;
}

void StepRunner::compute_grains(const Batch& batch, Losses& mine) {
  const dist::LeafRange my_grains = reducer_.my_grains();
  mine.cross_entropy.resize(static_cast<std::size_t>(my_grains.size()));
  mine.z.resize(mine.cross_entropy.size());
  const std::int64_t num_groups = (my_grains.size() + grains_per_forward_ - 1) / grains_per_forward_;
  grain_threads_.parallel_for(num_groups, [&](std::int64_t group) {
    numerics::check_floating_point_environment();
    const std::int64_t begin = my_grains.begin + group * grains_per_forward_;
    compute_group(batch, {begin, std::min(begin + grains_per_forward_, my_grains.end)}, mine);
  });
}

void StepRunner::compute_group(const Batch& batch, dist::LeafRange grains, Losses& mine) {
  const std::size_t grain_tokens = static_cast<std::size_t>(recipe_.grain_sequences()) * batch.length;
  const std::size_t first = static_cast<std::size_t>(grains.begin) * grain_tokens;
  const std::size_t count = static_cast<std::size_t>(grains.size()) * grain_tokens;
  ReducerSink sink(reducer_, grains);
  const model::GrainLosses losses =
      run_grains_(std::span(batch.inputs).subspan(first, count), std::span(batch.targets).subspan(first, count), sink);
  for (std::int64_t i = 0; i < grains.size(); ++i) {
    const auto index = static_cast<std::size_t>(grains.begin - reducer_.my_grains().begin + i);
    const std::size_t offset = static_cast<std::size_t>(i) * grain_tokens;
    mine.cross_entropy[index] = sum_in_order(std::span(losses.cross_entropy).subspan(offset, grain_tokens));
    mine.z[index] = sum_in_order(std::span(losses.z).subspan(offset, grain_tokens));
  }
}

/// Replaces this rank's losses by those of all grains and returns the sums of squares of all chunks: ranks own both in
/// ascending order, so their messages only have to be put one after the other.
std::vector<float> StepRunner::gather_losses_and_sums(Losses& losses, const std::vector<float>& my_sums) {
  if (communicator_.size() == 1) return my_sums;
  Message mine;
  mine.put(std::span<const double>(losses.cross_entropy));
  mine.put(std::span<const double>(losses.z));
  mine.put(std::span<const float>(my_sums));
  const auto grains_of = [&](int rank) {
    return static_cast<std::size_t>(dist::leaves_of_rank(num_grains_, rank, communicator_.size()).size());
  };
  std::vector<std::size_t> sizes;
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    sizes.push_back(grains_of(rank) * 2 * sizeof(double) +
                    static_cast<std::size_t>(exchange_.slice(rank).size()) * sizeof(float));
  }
  std::vector<Message> all = gather_messages(communicator_, mine, sizes);
  losses.cross_entropy.resize(static_cast<std::size_t>(num_grains_));
  losses.z.resize(losses.cross_entropy.size());
  std::vector<float> sums(static_cast<std::size_t>(layout_.num_chunks()));
  std::size_t grain = 0;
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    Message& message = all[static_cast<std::size_t>(rank)];
    message.take(std::span(losses.cross_entropy).subspan(grain, grains_of(rank)));
    message.take(std::span(losses.z).subspan(grain, grains_of(rank)));
    grain += grains_of(rank);
    const ChunkRange& chunks = exchange_.slice(rank);
    message.take(
        std::span(sums).subspan(static_cast<std::size_t>(chunks.begin), static_cast<std::size_t>(chunks.size())));
  }
  return sums;
}

void StepRunner::check_losses(std::uint64_t step, const Losses& losses) const {
  for (std::size_t grain = 0; grain < losses.cross_entropy.size(); ++grain) {
    const bool finite = std::isfinite(losses.cross_entropy[grain]) && std::isfinite(losses.z[grain]);
    REPRISE_REQUIRE(finite, ErrorKind::kNumeric,
                    fmt::format("the loss of grain {} is not finite at step {}: cross-entropy {}, z {}", grain, step,
                                losses.cross_entropy[grain], losses.z[grain]),
                    "lower train.learning_rate.peak or lengthen warmup_steps; the last checkpoint is good");
  }
}

double StepRunner::checked_norm(std::uint64_t step, const std::vector<float>& chunk_sums) const {
  const double norm = std::sqrt(numerics::sum_chunks(chunk_sums));
  if (std::isfinite(norm)) return norm;
  const auto bad = std::find_if(chunk_sums.begin(), chunk_sums.end(), [](float sum) { return !std::isfinite(sum); });
  throw_not_finite("the gradient", bad - chunk_sums.begin(), step);
}

void StepRunner::throw_not_finite(std::string_view what, std::int64_t chunk, std::uint64_t step) const {
  // Every rank knows the chunk, so that all of them name the same place.
  const TensorLayout::Entry& entry = layout_.entry_of_chunk(chunk);
  const std::int64_t first = (chunk - entry.first_chunk) * kChunkElements;
  throw Error(ErrorKind::kNumeric,
              fmt::format("{} of {} is not finite at step {} (elements {} to {})", what, entry.spec.name, step, first,
                          first + layout_.elements_in_chunk(chunk) - 1),
              "lower train.learning_rate.peak or lengthen warmup_steps; the last checkpoint is good");
}

void StepRunner::gather_digests(std::int64_t first_bad_chunk, TrainingState& state, StepOutcome& outcome) {
  const auto part = [](std::vector<Digest>& digests, const ChunkRange& chunks) {
    return std::span(digests).subspan(static_cast<std::size_t>(chunks.begin), static_cast<std::size_t>(chunks.size()));
  };
  const std::array<std::vector<Digest>*, 3> lists = {&state.digests.weights, &state.digests.first_moments,
                                                     &state.digests.second_moments};
  SliceReport report;
  report.first_bad_chunk = first_bad_chunk;
  report.bytes_sent = communicator_.bytes_sent();
  report.peak_memory = peak_memory_bytes();
  report.stop_signal = reprise::stop_signal();
  Message mine;
  mine.put(report);
  if (communicator_.size() > 1) {
    for (std::vector<Digest>* list : lists) mine.put(std::span<const Digest>(part(*list, exchange_.my_slice())));
  }
  std::vector<std::size_t> sizes;
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    const auto digests = communicator_.size() > 1 ? static_cast<std::size_t>(exchange_.slice(rank).size()) * 3 : 0;
    sizes.push_back(sizeof(SliceReport) + digests * sizeof(Digest));
  }
  std::vector<Message> all = gather_messages(communicator_, mine, sizes);
  std::int64_t bad_chunk = -1;
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    Message& message = all[static_cast<std::size_t>(rank)];
    const auto said = message.take<SliceReport>();
    if (bad_chunk < 0) bad_chunk = said.first_bad_chunk;
    outcome.stop_signal = std::max(outcome.stop_signal, static_cast<int>(said.stop_signal));
    outcome.bytes_sent.push_back(said.bytes_sent);
    outcome.peak_memory.push_back(said.peak_memory);
    if (communicator_.size() == 1) continue;
    for (std::vector<Digest>* list : lists) message.take(part(*list, exchange_.slice(rank)));
  }
  if (bad_chunk >= 0) throw_not_finite("the state after the update", bad_chunk, state.header.step + 1);
}

void StepRunner::digest(TrainingState& state) {
  size_digests(layout_, state.digests);
  optimizer_->digest(state);
  StepOutcome ignored;
  gather_digests(-1, state, ignored);
}

}  // namespace reprise::train
