#pragma once
// From a rank's partial sums on its GPU to its slice of the whole sum there, where ranks exchange between the memories
// of their GPUs: nothing of a gradient comes to the host.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "reprise/core/tensor_layout.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/numerics/device.h"
#include "reprise/numerics/device_memory.h"
#include "slice_exchange.h"

namespace reprise::train {

/// The thread that runs the device begins a part; the same or another one exchanges it beside the device's work; the
/// device's thread ends the tree behind the passes.
class DeviceSums {
 public:
  /// `exchange` is on `device`; it and the parts must outlive this.
  DeviceSums(std::int64_t num_grains, std::span<const ChunkRange> parts, SliceExchange& exchange,
             numerics::Device& device);

  /// Takes the sums of a part; the work on them may be under way. The device's thread.
  void begin(std::size_t part, std::vector<dist::TreeAdder::Partial> sums);
  /// Waits for them and exchanges them; a rank that has no grains has begun no part. Any thread. Collective. Throws
  /// what the work or the exchange failed with.
  void exchange(std::size_t part);
  /// Adds what was exchanged and returns the slice of the whole sum, valid until the next call. The device's thread.
  float* finish();
  /// Forgets all parts, when nobody is in exchange(). The device's thread.
  void release();

 private:
  struct Part {
    std::vector<dist::TreeAdder::Partial> mine;
    std::function<void()> wait;  // for the work on them
    std::vector<float*> sums;    // of all ranks' subtrees, this rank's share
  };

  std::int64_t num_grains_;
  std::span<const ChunkRange> ranges_;
  SliceExchange& exchange_;
  numerics::Device& device_;
  numerics::DeviceMemory memory_;
  float* slice_sum_;
  std::vector<Part> parts_;
};

}  // namespace reprise::train
