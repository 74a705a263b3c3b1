#pragma once
// From the gradients of grains to this rank's slice of their sum: the tree over grains, part by part, and the exchange
// between ranks, beside the backward pass where the gradient is divided into parts. The bits do not depend on parts,
// ranks or threads.

#include <condition_variable>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "device_sums.h"
#include "partial_reads.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/numerics/device.h"
#include "slice_exchange.h"

namespace reprise::train {

class GradientReducer {
 public:
  /// `parts`: of the layout, in the order in which the backward pass finishes them (model::gradient_parts()). With one
  /// part, finish() exchanges; with several, a thread exchanges each part once all grains of this rank have it, so that
  /// `exchange` belongs to that thread between begin() and finish(). In the host's memory it also adds the part up and
  /// frees the rest of it; on a device, where `exchange` is on it, finish() adds and frees. `device`: where gradients
  /// lie and are added up; unless `exchange` is on it too, what several ranks exchange comes to the host's memory
  /// before. All calls but peak_bytes() then come from the thread that runs it. Null: all of it in the host's memory.
  GradientReducer(std::int64_t num_grains, const TensorLayout& layout, std::span<const ChunkRange> parts,
                  SliceExchange& exchange, int rank, int num_ranks, numerics::Device* device = nullptr);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  std::span<const ChunkRange> parts() const { return parts_; }
  /// Grains that this rank computes.
  const dist::LeafRange& my_grains() const { return my_grains_; }

  /// Starts a step. Collective.
  void begin();
  /// Memory for a part of one grain's gradient, and the part when it is written. Thread-safe.
  dist::GradientBuffer take(std::size_t part) { return adders_[part]->take_buffer(); }
  void give(std::int64_t grain, std::size_t part, dist::GradientBuffer buffer);
  /// Whether take() gives memory of the device.
  bool is_on_device() const { return device_ != nullptr; }
  /// Waits for the sums once all grains were given. They are valid until release(). Throws what the exchange threw.
  SliceSums finish();
  /// Gives the memory of the sums back.
  void release() { partials_.clear(); }
  /// Ends a step whose grains could not all be computed.
  void cancel();

  /// Most bytes of gradients that were in use at once, the slice of the sum and what came from other ranks included.
  std::int64_t peak_bytes() const;

 private:
  void exchange_parts();
  SliceSums finish_between_devices();
  std::vector<dist::TreeAdder::Partial> finish_on_device();
  bool wait_for(std::size_t part);
  void keep_sum(std::size_t part, std::span<float* const> sums);

  std::int64_t num_grains_;
  std::vector<ChunkRange> parts_;
  dist::LeafRange my_grains_;
  dist::LeafRange all_grains_;
  int num_ranks_;
  SliceExchange& exchange_;
  numerics::Device* device_;
  std::shared_ptr<dist::GradientMemory> memory_;          // of what is added up
  std::shared_ptr<dist::GradientMemory> host_memory_;     // of what is exchanged; the same without a device
  std::vector<std::unique_ptr<dist::TreeAdder>> adders_;  // by part
  std::unique_ptr<DeviceSums> device_sums_;               // where ranks exchange on their devices
  std::unique_ptr<PartialReads> reads_;             // where they exchange what lies on devices in the host's memory
  std::vector<dist::TreeAdder::Partial> partials_;  // with one part
  std::vector<float> slice_sum_;                    // with several: the slice of the whole sum
  float* slice_pointer_ = nullptr;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<bool> complete_;  // by part
  bool cancelled_ = false;
  std::future<void> exchanging_;
};

}  // namespace reprise::train
