#pragma once
// A rank's part of the training state in a GPU's memory: all weights, which passes read, and the moments of its slice.
// TrainingState, on the host, is brought up to date when somebody looks at it: in most steps nobody does.

#include <cstdint>

#include "reprise/core/tensor_layout.h"
#include "reprise/numerics/device.h"
#include "reprise/numerics/device_memory.h"
#include "training_state.h"

namespace reprise::train {

/// One thread at a time, as the device. Failures: those of Device.
class DeviceState {
 public:
  /// The host's values count until load(). `shared`: other ranks have slices too, and exchange theirs through the host;
  /// else this rank has all of them, or ranks exchange them between their devices.
  /// Device and layout must outlive it.
  DeviceState(numerics::Device& device, const TensorLayout& layout, ChunkRange slice, bool shared);

  numerics::Device& device() const { return device_; }
  const ChunkRange& slice() const { return slice_; }
  bool is_shared() const { return shared_; }
  std::int64_t slice_elements() const { return slice_.size() * kChunkElements; }

  float* weights() const { return weights_; }  // of the layout
  float* slice_weights() const { return weights_ + slice_.begin * kChunkElements; }
  float* first_moments() const { return first_moments_; }    // of the slice
  float* second_moments() const { return second_moments_; }  // of the slice

  /// The host's values are to count from now on: somebody changes them.
  void host_changes();
  /// Other ranks' weights have come to the host; the slice's are there too.
  void host_has_all_weights() { weights_at_ = Newest::kHost; }
  /// The slice was updated on the device. Weights that other ranks need go to the host at once.
  void slice_was_updated(TrainingState& state);

  /// Brings what is newer on one side to the other.
  void load(const TrainingState& state);
  void store(TrainingState& state);
  /// Of the weights the slice alone, so that those of other ranks' slices may be old ones on the host afterwards.
  void store_slice(TrainingState& state);

 private:
  enum class Newest { kHost, kDevice, kBoth };

  void store_moments(TrainingState& state);

  numerics::Device& device_;
  const TensorLayout& layout_;
  ChunkRange slice_;
  bool shared_;
  numerics::DeviceMemory memory_;
  float* weights_;
  float* first_moments_;
  float* second_moments_;
  Newest weights_at_ = Newest::kHost;
  Newest moments_at_ = Newest::kHost;
};

}  // namespace reprise::train
