#pragma once
// Where kernels are launched: a stream and the memory that operators need for values of their own.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime.h"

namespace reprise::numerics::cuda {

/// Who uses a buffer. Two that are alive at the same time must differ.
enum class Scratch { kSegmentSums, kLogits, kAttention, kColumnSums, kTokenOrder, kNormWeights, kCount };

class Queue {
 public:
  explicit Queue(int device, WorkOrder order = WorkOrder::kOwn);
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  Stream& stream() { return stream_; }
  /// What the GPU has for a block. Kernels that can do with less choose by it.
  std::size_t shared_bytes_per_block() const { return shared_bytes_per_block_; }

  /// Returns memory of at least `count` floats on the GPU, aligned to 256 bytes; what it holds is undefined. A later
  /// call for the same buffer hands out the same memory, which is in order, for launches are. Grows by a new
  /// allocation, which a recording cannot hold: the first pass of a shape is not recorded.
  float* scratch(Scratch which, std::int64_t count);

  /// Blocks of the caller's, by size, recycled. Free ones that no recording has go back to the GPU when it has no
  /// memory left, as it would have none soon where sizes vary; when that is not enough, others are asked.
  void* take(std::size_t num_bytes);
  void give(void* block, std::size_t num_bytes);
  /// Device::give_back_unused(), on_shortage().
  bool give_back_unused();
  void on_shortage(std::function<void()> others_give_back) { others_give_back_ = std::move(others_give_back); }

  /// The same for pinned memory of the host. Any thread.
  void* take_host(std::size_t num_bytes);
  void give_host(void* memory, std::size_t num_bytes);

  /// Device::mark(), begin_read(). Both throw Error(kInternal) in a recording.
  std::function<void()> mark();
  std::function<void()> begin_read(void* to_host, const void* from, std::size_t num_bytes);

  /// A recording has memory of its own: blocks given from its begin to its end stay with it, for it writes to them
  /// whenever it is launched; blocks that were free before are taken first. What is launched between begin_capture()
  /// and the end is kept in graphs that the functions returned launch, one for each piece, and which must not outlive
  /// the queue; the same work must have been done once between begin_recording() and begin_capture(). With the last of
  /// the functions the recording's blocks are free again.
  void begin_recording();
  void begin_capture();
  /// Nothing is done while the work is not captured.
  void end_piece();
  std::vector<std::function<void()>> end_recording();
  void cancel_recording() noexcept;

  /// Bytes asked of the GPU and not given back to it.
  std::size_t bytes_reserved() const { return reserved_; }

 private:
  using FreeBlocks = std::map<std::size_t, std::vector<void*>>;

  void* allocate(std::size_t num_bytes);
  /// Null when the GPU has no memory left.
  void* allocate_if_any(std::size_t num_bytes);
  void keep_piece();

  struct Buffer {
    float* memory = nullptr;
    std::int64_t count = 0;
  };

  std::size_t shared_bytes_per_block_;
  Stream stream_;
  std::unique_ptr<ReadStream> reads_;
  Buffer scratch_[static_cast<int>(Scratch::kCount)];
  FreeBlocks free_;
  std::shared_ptr<FreeBlocks> recorded_;        // of the recording under way
  std::vector<std::shared_ptr<Graph>> pieces_;  // captured so far
  bool capturing_ = false;
  std::vector<void*> all_;
  std::size_t reserved_ = 0;
  std::function<void()> others_give_back_;  // may be empty

  std::mutex host_mutex_;  // guards what follows
  FreeBlocks host_free_;
  std::vector<void*> all_host_;
};

}  // namespace reprise::numerics::cuda
