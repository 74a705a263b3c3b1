#include "device_state.h"

#include "reprise/core/error.h"

namespace reprise::train {

DeviceState::DeviceState(numerics::Device& device, const TensorLayout& layout, ChunkRange slice, bool shared)
    : device_(device),
      layout_(layout),
      slice_(slice),
      shared_(shared),
      memory_(device),
      weights_(memory_.take<float>(layout.num_elements())),
      first_moments_(memory_.take<float>(slice_elements())),
      second_moments_(memory_.take<float>(slice_elements())) {}

void DeviceState::host_changes() { weights_at_ = moments_at_ = Newest::kHost; }

void DeviceState::slice_was_updated(TrainingState& state) {
  REPRISE_CHECK(weights_at_ != Newest::kHost && moments_at_ != Newest::kHost);
  weights_at_ = moments_at_ = Newest::kDevice;
  if (!shared_) return;
  device_.read(state.weights.data() + slice_.begin * kChunkElements, slice_weights(),
               static_cast<std::size_t>(slice_elements()) * sizeof(float));
}

void DeviceState::load(const TrainingState& state) {
  const auto write = [&](float* to, const std::vector<float>& from) {
    device_.write(to, from.data(), from.size() * sizeof(float));
  };
  if (weights_at_ == Newest::kHost) {
    REPRISE_CHECK_EQ(static_cast<std::int64_t>(state.weights.size()), layout_.num_elements());
    write(weights_, state.weights);
    weights_at_ = Newest::kBoth;
  }
  if (moments_at_ == Newest::kHost) {
    REPRISE_CHECK_EQ(static_cast<std::int64_t>(state.first_moments.size()), slice_elements());
    REPRISE_CHECK_EQ(state.second_moments.size(), state.first_moments.size());
    write(first_moments_, state.first_moments);
    write(second_moments_, state.second_moments);
    moments_at_ = Newest::kBoth;
  }
}

void DeviceState::store(TrainingState& state) {
  if (weights_at_ == Newest::kDevice) {
    REPRISE_CHECK(!shared_);  // else other ranks' weights are not there yet
    device_.read(state.weights.data(), weights_, state.weights.size() * sizeof(float));
    weights_at_ = Newest::kBoth;
  }
  store_moments(state);
}

void DeviceState::store_slice(TrainingState& state) {
  if (slice_.size() == layout_.num_chunks()) return store(state);
  if (weights_at_ == Newest::kDevice) {
    device_.read(state.weights.data() + slice_.begin * kChunkElements, slice_weights(),
                 static_cast<std::size_t>(slice_elements()) * sizeof(float));
  }
  store_moments(state);
}

void DeviceState::store_moments(TrainingState& state) {
  if (moments_at_ != Newest::kDevice) return;
  device_.read(state.first_moments.data(), first_moments_, state.first_moments.size() * sizeof(float));
  device_.read(state.second_moments.data(), second_moments_, state.second_moments.size() * sizeof(float));
  moments_at_ = Newest::kBoth;
}

}  // namespace reprise::train
