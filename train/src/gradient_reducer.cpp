#include "gradient_reducer.h"

#include <algorithm>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "reprise/numerics/target.h"

namespace reprise::train {
namespace {

void add_siblings(float* left, const float* right, std::int64_t count) { numerics::add(count, left, right, left); }

dist::TreeAdder::Add adder_on(numerics::Device* device) {
  if (device == nullptr) return add_siblings;
  return [device](float* left, const float* right, std::int64_t count) { device->add(count, left, right, left); };
}

std::shared_ptr<dist::GradientMemory> memory_on(numerics::Device& device) {
  return dist::GradientMemory::create(
      {[&device](std::size_t num_bytes) { return device.take(num_bytes); },
       [&device](void* block, std::size_t num_bytes) { device.give(block, num_bytes); }});
}

/// Memory of the host that the device copies to.
std::shared_ptr<dist::GradientMemory> host_memory_of(numerics::Device& device) {
  return dist::GradientMemory::create(
      {[&device](std::size_t num_bytes) { return device.take_host(num_bytes); },
       [&device](void* block, std::size_t num_bytes) { device.give_host(block, num_bytes); }});
}

}  // namespace

GradientReducer::GradientReducer(std::int64_t num_grains, const TensorLayout& layout, std::span<const ChunkRange> parts,
                                 SliceExchange& exchange, int rank, int num_ranks, numerics::Device* device)
    : num_grains_(num_grains),
      parts_(parts.begin(), parts.end()),
      my_grains_(dist::leaves_of_rank(num_grains, rank, num_ranks)),
      all_grains_{0, num_grains},
      num_ranks_(num_ranks),
      exchange_(exchange),
      device_(device),
      memory_(device == nullptr ? dist::GradientMemory::create() : memory_on(*device)),
      host_memory_(device == nullptr ? memory_ : host_memory_of(*device)),
      complete_(parts.size()) {
  REPRISE_CHECK(!parts_.empty() && parts_.front().end == layout.num_chunks() && parts_.back().begin == 0);
  if (exchange.is_on_device()) {
    device_sums_ = std::make_unique<DeviceSums>(num_grains, parts_, exchange, *device);
  } else if (device != nullptr) {
    reads_ = std::make_unique<PartialReads>(*device, host_memory_, parts_.size());
  }
  for (const ChunkRange& part : parts_) {
    adders_.push_back(std::make_unique<dist::TreeAdder>(num_grains, my_grains_, part.size() * kChunkElements,
                                                        adder_on(device), memory_));
  }
  if (parts_.size() > 1 && !device_sums_)
    slice_sum_.resize(static_cast<std::size_t>(exchange.my_slice().size() * kChunkElements));
  slice_pointer_ = slice_sum_.data();
}

GradientReducer::~GradientReducer() { cancel(); }

void GradientReducer::begin() {
  if (parts_.size() == 1) return;
  // A rank without grains has nothing to wait for, but takes part in every exchange.
  complete_.assign(parts_.size(), my_grains_.size() == 0);
  cancelled_ = false;
  exchanging_ = std::async(std::launch::async, [this] { exchange_parts(); });
}

void GradientReducer::give(std::int64_t grain, std::size_t part, dist::GradientBuffer buffer) {
  if (!adders_[part]->give(grain, std::move(buffer)) || parts_.size() == 1) return;
  if (device_sums_) device_sums_->begin(part, adders_[part]->finish());
  if (reads_) reads_->begin(part, adders_[part]->finish(), parts_[part].size() * kChunkElements);
  const std::lock_guard lock(mutex_);
  complete_[part] = true;
  changed_.notify_one();
}

SliceSums GradientReducer::finish() {
  if (parts_.size() > 1) {
    exchanging_.wait();
    if (reads_) reads_->release();
    exchanging_.get();
    if (!device_sums_) return {{&all_grains_, 1}, {&slice_pointer_, 1}};
  }
  if (device_sums_) return finish_between_devices();
  // One rank alone has nothing to exchange: its sum stays where it is.
  const bool stays = device_ != nullptr && num_ranks_ == 1;
  if (my_grains_.size() > 0) partials_ = device_ == nullptr || stays ? adders_[0]->finish() : finish_on_device();
  const std::span<float* const> sums = exchange_.run(parts_[0], partials_);
  return {exchange_.nodes(), sums, stays};
}

/// The slice of the whole sum, which stays on the device.
SliceSums GradientReducer::finish_between_devices() {
  if (parts_.size() == 1) {
    if (my_grains_.size() > 0) device_sums_->begin(0, adders_[0]->finish());
    device_sums_->exchange(0);
  }
  slice_pointer_ = device_sums_->finish();
  return {{&all_grains_, 1}, {&slice_pointer_, 1}, true};
}

/// The sums of this rank's maximal subtrees, brought into the host's memory.
std::vector<dist::TreeAdder::Partial> GradientReducer::finish_on_device() {
  std::vector<dist::TreeAdder::Partial> partials = adders_[0]->finish();
  const std::int64_t count = parts_[0].size() * kChunkElements;
  for (dist::TreeAdder::Partial& partial : partials) {
    dist::GradientBuffer on_host = host_memory_->take(count);
    device_->read(on_host.get(), partial.buffer.get(), static_cast<std::size_t>(count) * sizeof(float));
    partial.buffer = std::move(on_host);
  }
  return partials;
}

void GradientReducer::cancel() {
  if (!exchanging_.valid()) return;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_one();
  }
  exchanging_.wait();
  if (reads_) reads_->release();
  if (device_sums_) device_sums_->release();
}

void GradientReducer::exchange_parts() {
  numerics::check_floating_point_environment();
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    if (!wait_for(part)) return;
    if (device_sums_) {
      device_sums_->exchange(part);
      continue;
    }
    std::vector<dist::TreeAdder::Partial> partials;
    if (my_grains_.size() > 0) partials = reads_ ? reads_->finish(part) : adders_[part]->finish();
    keep_sum(part, exchange_.run(parts_[part], partials));
  }
}

/// Returns false when the step was cancelled.
bool GradientReducer::wait_for(std::size_t part) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return complete_[part] || cancelled_; });
  return !cancelled_;
}

void GradientReducer::keep_sum(std::size_t part, std::span<float* const> sums) {
  const ChunkRange mine = exchange_.my_share(parts_[part]);
  const std::int64_t count = mine.size() * kChunkElements;
  if (count == 0) return;
  if (sums.size() > 1) dist::finish_tree(num_grains_, exchange_.nodes(), sums, count, add_siblings);
  std::copy(sums[0], sums[0] + count, slice_sum_.begin() + (mine.begin - exchange_.my_slice().begin) * kChunkElements);
}

std::int64_t GradientReducer::peak_bytes() const {
  const std::int64_t slice_elements =
      device_sums_ ? exchange_.my_slice().size() * kChunkElements : static_cast<std::int64_t>(slice_sum_.size());
  return memory_->peak_bytes() + slice_elements * static_cast<std::int64_t>(sizeof(float)) + exchange_.receive_bytes();
}

}  // namespace reprise::train
