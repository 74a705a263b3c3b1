#include "device_sums.h"

#include <utility>

#include "reprise/core/error.h"

namespace reprise::train {

DeviceSums::DeviceSums(std::int64_t num_grains, std::span<const ChunkRange> parts, SliceExchange& exchange,
                       numerics::Device& device)
    : num_grains_(num_grains),
      ranges_(parts),
      exchange_(exchange),
      device_(device),
      memory_(device),
      slice_sum_(memory_.take<float>(exchange.my_slice().size() * kChunkElements)),
      parts_(parts.size()) {
  REPRISE_CHECK(exchange.is_on_device());
}

void DeviceSums::begin(std::size_t part, std::vector<dist::TreeAdder::Partial> sums) {
  parts_[part].mine = std::move(sums);
  parts_[part].wait = device_.mark();
}

void DeviceSums::exchange(std::size_t part) {
  Part& exchanged = parts_[part];
  if (exchanged.wait) exchanged.wait();
  const std::span<float* const> sums = exchange_.run(ranges_[part], exchanged.mine);
  exchanged.sums.assign(sums.begin(), sums.end());
}

float* DeviceSums::finish() {
  const auto add = [this](float* left, const float* right, std::int64_t count) {
    device_.add(count, left, right, left);
  };
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    const ChunkRange mine = exchange_.my_share(ranges_[part]);
    const std::int64_t count = mine.size() * kChunkElements;
    if (count == 0) continue;
    const std::span<float* const> sums = parts_[part].sums;
    if (sums.size() > 1) dist::finish_tree(num_grains_, exchange_.nodes(), sums, count, add);
    device_.copy(slice_sum_ + (mine.begin - exchange_.my_slice().begin) * kChunkElements, sums[0],
                 static_cast<std::size_t>(count) * sizeof(float));
  }
  release();
  return slice_sum_;
}

void DeviceSums::release() {
  for (Part& part : parts_) part = {};
}

}  // namespace reprise::train
