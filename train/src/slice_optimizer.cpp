#include "slice_optimizer.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "reprise/core/error.h"
#include "reprise/numerics/target.h"

namespace reprise::train {
namespace {

// Sixteen chunks of gradient, weights and moments are 1 MiB: small enough for a cache, large enough that handing out
// blocks costs nothing.
constexpr std::int64_t kBlockChunks = 16;

void add_siblings(float* left, const float* right, std::int64_t count) { numerics::add(count, left, right, left); }

void copy_digests(const std::vector<Digest>& from, std::int64_t first, std::vector<Digest>& to) {
  std::copy(from.begin(), from.end(), to.begin() + first);
}

}  // namespace

void size_digests(const TensorLayout& layout, checkpoints::StateDigests& digests) {
  const auto count = static_cast<std::size_t>(layout.num_chunks());
  digests.weights.resize(count);
  digests.first_moments.resize(count);
  digests.second_moments.resize(count);
}

float target_divisor(std::uint64_t num_targets) {
  REPRISE_REQUIRE(num_targets > 0, ErrorKind::kNumeric, "the batch has no target token", "check the token shards");
  // Counts above 2^24 are rounded once, like every other binary32 operand.
  return static_cast<float>(num_targets);
}

float clip_factor(double norm, double clip) { return norm > clip ? static_cast<float>(clip / norm) : 1.0f; }

void advance_adam(const configs::AdamW& recipe, checkpoints::Header& header) {
  ++header.adam_step;
  header.beta1_power *= recipe.beta1();
  header.beta2_power *= recipe.beta2();
}

SliceOptimizer::SliceOptimizer(const configs::AdamW& recipe, const TensorLayout& layout, ChunkRange slice)
    : recipe_(recipe), layout_(layout), updates_(tensor_updates(recipe, layout)), slice_(slice) {}

std::int64_t SliceOptimizer::update(float clip, double learning_rate, TrainingState& state) {
  advance_adam(recipe_, state.header);
  Update update{clip, learning_rate, {}};
  update.step.beta1 = static_cast<float>(recipe_.beta1());
  update.step.beta2 = static_cast<float>(recipe_.beta2());
  update.step.epsilon = static_cast<float>(recipe_.epsilon());
  update.step.bias_correction1 = static_cast<float>(1.0 - state.header.beta1_power);
  update.step.bias_correction2 = static_cast<float>(1.0 - state.header.beta2_power);
  return update_slice(update, state);
}

numerics::AdamWStep SliceOptimizer::step_of(const Update& update, const TensorLayout::Entry& entry) const {
  const TensorUpdate& of_tensor = updates_[static_cast<std::size_t>(&entry - layout_.entries().data())];
  numerics::AdamWStep step = update.step;
  step.learning_rate = static_cast<float>(update.learning_rate * of_tensor.learning_rate_scale);
  step.weight_decay = of_tensor.weight_decay;
  return step;
}

void SliceBlocks::for_each(const std::function<void(ChunkRange)>& work) const {
  threads_.parallel_for((slice_.size() + kBlockChunks - 1) / kBlockChunks, [&](std::int64_t index) {
    numerics::check_floating_point_environment();
    const std::int64_t begin = slice_.begin + index * kBlockChunks;
    work({begin, std::min(begin + kBlockChunks, slice_.end)});
  });
}

float* SliceBlocks::finish_block(std::int64_t num_grains, const SliceSums& sums, ChunkRange block) const {
  std::vector<float*> parts(sums.sums.begin(), sums.sums.end());
  for (float*& part : parts) part += (block.begin - slice_.begin) * kChunkElements;
  if (parts.size() > 1) {
    dist::finish_tree(num_grains, sums.nodes, parts, block.size() * kChunkElements, add_siblings);
  }
  return parts[0];
}

void SliceBlocks::finish_tree(std::int64_t num_grains, const SliceSums& sums) const {
  if (sums.sums.size() > 1) for_each([&](ChunkRange block) { finish_block(num_grains, sums, block); });
}

HostSliceOptimizer::HostSliceOptimizer(const configs::AdamW& recipe, const TensorLayout& layout, ChunkRange slice,
                                       ThreadPool& threads)
    : SliceOptimizer(recipe, layout, slice),
      blocks_(slice, threads),
      chunk_sums_(static_cast<std::size_t>(slice.size())) {}

const std::vector<float>& HostSliceOptimizer::reduce(std::int64_t num_grains, const SliceSums& sums,
                                                     std::uint64_t num_targets) {
  const float divisor = target_divisor(num_targets);
  gradient_ = sums.sums[0];
  blocks_.for_each([&](ChunkRange chunks) {
    float* const sum = blocks_.finish_block(num_grains, sums, chunks);
    numerics::divide_in_place(chunks.size() * kChunkElements, divisor, sum);
    for (std::int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
      const float* first = sum + (chunk - chunks.begin) * kChunkElements;
      chunk_sums_[static_cast<std::size_t>(chunk - slice().begin)] =
          numerics::chunk_sum_of_squares(layout().elements_in_chunk(chunk), first);
    }
  });
  return chunk_sums_;
}

std::int64_t HostSliceOptimizer::update_slice(const Update& update, TrainingState& state) {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  std::atomic<std::int64_t> first_bad{kNone};
  blocks_.for_each([&](ChunkRange chunks) {
    for (std::int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
      if (update_chunk(chunk, update, state)) continue;
      std::int64_t seen = first_bad.load();
      while (chunk < seen && !first_bad.compare_exchange_weak(seen, chunk)) {
      }
    }
    digest_block(chunks, state);
  });
  return first_bad.load() == kNone ? -1 : first_bad.load();
}

/// Returns false when the chunk holds a NaN or infinity afterwards. Padding is not touched: it stays zero.
bool HostSliceOptimizer::update_chunk(std::int64_t chunk, const Update& update, TrainingState& state) const {
  const std::int64_t count = layout().elements_in_chunk(chunk);
  const std::int64_t offset = (chunk - slice().begin) * kChunkElements;
  float* g = gradient_ + offset;
  float* w = state.weights.data() + chunk * kChunkElements;
  float* m = state.first_moments.data() + offset;
  float* v = state.second_moments.data() + offset;
  if (update.clip_factor != 1.0f) numerics::scale_in_place(count, update.clip_factor, g);
  numerics::adamw_update(count, step_of(update, layout().entry_of_chunk(chunk)), g, w, m, v);
  return numerics::find_non_finite(count, w) < 0 && numerics::find_non_finite(count, m) < 0 &&
         numerics::find_non_finite(count, v) < 0;
}

void HostSliceOptimizer::digest_block(ChunkRange chunks, TrainingState& state) const {
  const auto count = static_cast<std::size_t>(chunks.size() * kChunkElements);
  const auto offset = static_cast<std::size_t>((chunks.begin - slice().begin) * kChunkElements);
  const auto part = [&](const std::vector<float>& values, std::size_t first) {
    return chunk_digests(layout(), chunks, std::span<const float>(values).subspan(first, count));
  };
  const auto first_weight = static_cast<std::size_t>(chunks.begin * kChunkElements);
  copy_digests(part(state.weights, first_weight), chunks.begin, state.digests.weights);
  copy_digests(part(state.first_moments, offset), chunks.begin, state.digests.first_moments);
  copy_digests(part(state.second_moments, offset), chunks.begin, state.digests.second_moments);
}

void HostSliceOptimizer::digest(TrainingState& state) {
  blocks_.for_each([&](ChunkRange chunks) { digest_block(chunks, state); });
}

}  // namespace reprise::train
