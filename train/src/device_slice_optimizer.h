#pragma once
// The optimizer of a slice whose state lies on a GPU: nothing but sums of squares and digests comes to the host.

#include <cstdint>
#include <vector>

#include "device_state.h"
#include "reprise/numerics/device_memory.h"
#include "slice_optimizer.h"

namespace reprise::train {

class DeviceSliceOptimizer final : public SliceOptimizer {
 public:
  /// `threads` finish the tree of sums that other ranks have a part in. `on_device` must outlive this.
  DeviceSliceOptimizer(const configs::AdamW& recipe, const TensorLayout& layout, DeviceState& on_device,
                       ThreadPool& threads);

  const std::vector<float>& reduce(std::int64_t num_grains, const SliceSums& sums, std::uint64_t num_targets) override;
  std::span<const float> gradient() override;
  void digest(TrainingState& state) override;

 private:
  std::int64_t update_slice(const Update& update, TrainingState& state) override;
  void update_tensor(const TensorLayout::Entry& entry, const Update& update);
  std::int64_t digest_slice(TrainingState& state);

  DeviceState& on_device_;
  numerics::Device& device_;
  SliceBlocks blocks_;
  numerics::DeviceMemory memory_;
  float* own_gradient_;  // of what was exchanged
  float* chunk_sums_on_device_;
  std::int32_t* chunk_lengths_;
  std::uint8_t* digests_;     // of weights, first and second moments
  std::uint8_t* non_finite_;  // the same
  float* gradient_ = nullptr;
  std::vector<float> chunk_sums_;
  std::vector<float> gradient_on_host_;
};

}  // namespace reprise::train
