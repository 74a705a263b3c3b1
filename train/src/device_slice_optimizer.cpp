#include "device_slice_optimizer.h"

#include <algorithm>

#include "reprise/core/error.h"

namespace reprise::train {
namespace {

constexpr std::int64_t kDigestBytes = static_cast<std::int64_t>(sizeof(Digest));

std::vector<std::int32_t> chunk_lengths(const TensorLayout& layout, ChunkRange slice) {
  std::vector<std::int32_t> lengths;
  for (std::int64_t chunk = slice.begin; chunk < slice.end; ++chunk) {
    lengths.push_back(static_cast<std::int32_t>(layout.elements_in_chunk(chunk)));
  }
  return lengths;
}

}  // namespace

DeviceSliceOptimizer::DeviceSliceOptimizer(const configs::AdamW& recipe, const TensorLayout& layout,
                                           DeviceState& on_device, ThreadPool& threads)
    : SliceOptimizer(recipe, layout, on_device.slice()),
      on_device_(on_device),
      device_(on_device.device()),
      blocks_(on_device.slice(), threads),
      memory_(device_),
      own_gradient_(on_device.is_shared() ? memory_.take<float>(num_elements()) : nullptr),
      chunk_sums_on_device_(memory_.take<float>(slice().size())),
      chunk_lengths_(memory_.copy_of(chunk_lengths(layout, slice()))),
      digests_(memory_.take<std::uint8_t>(3 * slice().size() * kDigestBytes)),
      non_finite_(memory_.take<std::uint8_t>(3 * slice().size())),
      chunk_sums_(static_cast<std::size_t>(slice().size())) {
  device_.synchronize();  // the lengths were this call's
}

const std::vector<float>& DeviceSliceOptimizer::reduce(std::int64_t num_grains, const SliceSums& sums,
                                                       std::uint64_t num_targets) {
  const float divisor = target_divisor(num_targets);
  if (sums.are_on_device) {
    REPRISE_CHECK_EQ(sums.sums.size(), 1u);
    gradient_ = sums.sums[0];
  } else {
    REPRISE_CHECK(own_gradient_ != nullptr);
    blocks_.finish_tree(num_grains, sums);
    gradient_ = own_gradient_;
    device_.write(gradient_, sums.sums[0], static_cast<std::size_t>(num_elements()) * sizeof(float));
  }
  device_.divide_in_place(num_elements(), divisor, gradient_);
  // Padding is zero and adds nothing.
  device_.chunk_sums_of_squares(num_elements(), gradient_, chunk_sums_on_device_);
  device_.read(chunk_sums_.data(), chunk_sums_on_device_, chunk_sums_.size() * sizeof(float));
  return chunk_sums_;
}

std::span<const float> DeviceSliceOptimizer::gradient() {
  gradient_on_host_.resize(static_cast<std::size_t>(num_elements()));
  device_.read(gradient_on_host_.data(), gradient_, gradient_on_host_.size() * sizeof(float));
  return gradient_on_host_;
}

std::int64_t DeviceSliceOptimizer::update_slice(const Update& update, TrainingState& state) {
  on_device_.load(state);
  if (update.clip_factor != 1.0f) device_.scale_in_place(num_elements(), update.clip_factor, gradient_);
  for (const TensorLayout::Entry& entry : layout().entries()) update_tensor(entry, update);
  on_device_.slice_was_updated(state);
  return digest_slice(state);
}

/// The chunks of a tensor that lie in the slice. Padding is not touched: it stays zero.
void DeviceSliceOptimizer::update_tensor(const TensorLayout::Entry& entry, const Update& update) {
  const std::int64_t begin = std::max(entry.first_chunk, slice().begin);
  const std::int64_t end = std::min(entry.first_chunk + entry.num_chunks, slice().end);
  if (begin >= end) return;
  const std::int64_t count =
      std::min(end * kChunkElements, entry.offset + entry.spec.num_elements()) - begin * kChunkElements;
  const std::int64_t offset = (begin - slice().begin) * kChunkElements;
  device_.adamw_update(count, step_of(update, entry), gradient_ + offset, on_device_.slice_weights() + offset,
                       on_device_.first_moments() + offset, on_device_.second_moments() + offset);
}

/// Returns the first chunk with a NaN or infinity, or -1.
std::int64_t DeviceSliceOptimizer::digest_slice(TrainingState& state) {
  const std::int64_t num_chunks = slice().size();
  const float* const values[] = {on_device_.slice_weights(), on_device_.first_moments(), on_device_.second_moments()};
  for (std::int64_t k = 0; k < 3; ++k) {
    device_.digest_chunks(num_chunks, chunk_lengths_, values[k], digests_ + k * num_chunks * kDigestBytes,
                          non_finite_ + k * num_chunks);
  }
  std::vector<Digest> digests(static_cast<std::size_t>(3 * num_chunks));
  std::vector<std::uint8_t> non_finite(digests.size());
  device_.read(digests.data(), digests_, digests.size() * sizeof(Digest));
  device_.read(non_finite.data(), non_finite_, non_finite.size());
  auto from = digests.begin();
  for (std::vector<Digest>* to :
       {&state.digests.weights, &state.digests.first_moments, &state.digests.second_moments}) {
    std::copy(from, from + num_chunks, to->begin() + slice().begin);
    from += num_chunks;
  }
  for (std::int64_t chunk = 0; chunk < num_chunks; ++chunk) {
    for (std::int64_t k = 0; k < 3; ++k) {
      if (non_finite[static_cast<std::size_t>(k * num_chunks + chunk)] != 0) return slice().begin + chunk;
    }
  }
  return -1;
}

void DeviceSliceOptimizer::digest(TrainingState& state) {
  on_device_.load(state);
  digest_slice(state);
}

}  // namespace reprise::train
