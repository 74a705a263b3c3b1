#pragma once
// What the owner of a slice does with its gradient sums: last additions of the tree, division by the number of
// targets, sums of squares; then clipping, AdamW and digests. The bits do not depend on who computes it.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/thread_pool.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/numerics/kernels.h"
#include "reprise/train/parameter_groups.h"
#include "slice_exchange.h"
#include "training_state.h"

namespace reprise::train {

class SliceOptimizer {
 public:
  virtual ~SliceOptimizer() = default;
  SliceOptimizer(const SliceOptimizer&) = delete;
  SliceOptimizer& operator=(const SliceOptimizer&) = delete;

  /// Finishes the tree over the sums (elements of the slice), divides by `num_targets`, and returns the sum of squares
  /// of each chunk of the slice. The sums must stay until update() is done or not wanted.
  virtual const std::vector<float>& reduce(std::int64_t num_grains, const SliceSums& sums,
                                           std::uint64_t num_targets) = 0;
  /// What reduce() has made, the mean gradient; valid until update() or the next call.
  virtual std::span<const float> gradient() = 0;

  /// Scales the gradient by `clip_factor` (1 leaves it alone), updates the slice of `state`, advances adam_step and
  /// the powers of beta, and puts the new digests of the slice into state.digests. `learning_rate` is not rounded yet.
  /// Returns the first chunk that holds a NaN or infinity afterwards, or -1.
  std::int64_t update(float clip_factor, double learning_rate, TrainingState& state);

  /// Fills state.digests of the slice.
  virtual void digest(TrainingState& state) = 0;

 protected:
  /// Values of a step that do not depend on the tensor, and the rate before it is scaled for one.
  struct Update {
    float clip_factor;
    double learning_rate;
    numerics::AdamWStep step;
  };

  SliceOptimizer(const configs::AdamW& recipe, const TensorLayout& layout, ChunkRange slice);

  virtual std::int64_t update_slice(const Update& update, TrainingState& state) = 0;
  /// The step of one tensor of the layout.
  numerics::AdamWStep step_of(const Update& update, const TensorLayout::Entry& entry) const;

  const TensorLayout& layout() const { return layout_; }
  const ChunkRange& slice() const { return slice_; }
  std::int64_t num_elements() const { return slice_.size() * kChunkElements; }

 private:
  configs::AdamW recipe_;
  const TensorLayout& layout_;
  std::vector<TensorUpdate> updates_;  // by tensor of the layout
  ChunkRange slice_;
};

/// Work on blocks of a slice's chunks, divided among threads.
class SliceBlocks {
 public:
  SliceBlocks(ChunkRange slice, ThreadPool& threads) : slice_(slice), threads_(threads) {}
  void for_each(const std::function<void(ChunkRange)>& work) const;
  /// Adds the sums of a block, in the host's memory, up to the whole tree's; returns where that lies, in sums.sums[0].
  float* finish_block(std::int64_t num_grains, const SliceSums& sums, ChunkRange block) const;
  /// The same for all blocks.
  void finish_tree(std::int64_t num_grains, const SliceSums& sums) const;

 private:
  ChunkRange slice_;
  ThreadPool& threads_;
};

/// On the CPU, with the state in the host's memory.
class HostSliceOptimizer final : public SliceOptimizer {
 public:
  HostSliceOptimizer(const configs::AdamW& recipe, const TensorLayout& layout, ChunkRange slice, ThreadPool& threads);

  const std::vector<float>& reduce(std::int64_t num_grains, const SliceSums& sums, std::uint64_t num_targets) override;
  std::span<const float> gradient() override { return {gradient_, static_cast<std::size_t>(num_elements())}; }
  void digest(TrainingState& state) override;

 private:
  std::int64_t update_slice(const Update& update, TrainingState& state) override;
  bool update_chunk(std::int64_t chunk, const Update& update, TrainingState& state) const;
  void digest_block(ChunkRange block, TrainingState& state) const;

  SliceBlocks blocks_;
  std::vector<float> chunk_sums_;
  float* gradient_ = nullptr;
};

/// Makes room for the digests of all chunks.
void size_digests(const TensorLayout& layout, checkpoints::StateDigests& digests);

/// Returns the number of targets as the divisor of gradients. Throws Error(kNumeric) when it is 0.
float target_divisor(std::uint64_t num_targets);

/// Counts an update: adam_step and the powers of beta.
void advance_adam(const configs::AdamW& recipe, checkpoints::Header& header);

/// clip / norm rounded to float32 when norm > clip, else 1.
float clip_factor(double norm, double clip);

}  // namespace reprise::train
