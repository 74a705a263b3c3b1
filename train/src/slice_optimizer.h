#pragma once
// What the owner of a slice does with its gradient sums: last additions of the tree, division by the number of
// targets, sums of squares; then clipping, AdamW and digests. Work is divided among threads by blocks of chunks.

#include <cstdint>
#include <span>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/thread_pool.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/numerics/kernels.h"
#include "reprise/train/parameter_groups.h"
#include "training_state.h"

namespace reprise::train {

class SliceOptimizer {
 public:
  SliceOptimizer(const configs::AdamW& recipe, const TensorLayout& layout, ChunkRange slice, ThreadPool& threads);

  /// Finishes the tree over `nodes` into partials[0] (elements of the slice), divides by `num_targets`, and returns
  /// the sum of squares of each chunk of the slice.
  const std::vector<float>& reduce(std::int64_t num_grains, std::span<const dist::LeafRange> nodes,
                                   std::span<float* const> partials, std::uint64_t num_targets);

  /// Scales the gradient by `clip_factor` (1 leaves it alone), updates the slice of `state`, advances adam_step and
  /// the powers of beta, and puts the new digests of the slice into state.digests. `learning_rate` is not rounded yet.
  /// Returns the first chunk that holds a NaN or infinity afterwards, or -1.
  std::int64_t update(float clip_factor, double learning_rate, float* gradient, TrainingState& state);

  /// Fills state.digests of the slice.
  void digest(TrainingState& state);

 private:
  std::int64_t num_blocks() const;
  ChunkRange block(std::int64_t index) const;
  void for_each_block(const std::function<void(ChunkRange)>& work);
  void digest_block(ChunkRange block, TrainingState& state) const;
  bool update_chunk(std::int64_t chunk, float clip_factor, double learning_rate, const numerics::AdamWStep& step,
                    float* gradient, TrainingState& state) const;

  configs::AdamW recipe_;
  const TensorLayout& layout_;
  std::vector<TensorUpdate> updates_;  // by tensor of the layout
  ChunkRange slice_;
  ThreadPool& threads_;
  std::vector<float> chunk_sums_;
};

/// Makes room for the digests of all chunks.
void size_digests(const TensorLayout& layout, checkpoints::StateDigests& digests);

/// clip / norm rounded to float32 when norm > clip, else 1.
float clip_factor(double norm, double clip);

}  // namespace reprise::train
