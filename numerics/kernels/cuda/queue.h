#pragma once
// Where kernels are launched: a stream and the memory that operators need for values of their own.

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "runtime.h"

namespace reprise::numerics::cuda {

/// Who uses a buffer. Two that are alive at the same time must differ.
enum class Scratch { kSegmentSums, kLogits, kLogitRows, kAttention, kColumnSums, kTokenOrder, kCount };

class Queue {
 public:
  explicit Queue(int device) : stream_(device) {}
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  Stream& stream() { return stream_; }

  /// Returns memory of at least `count` floats on the GPU, aligned to 256 bytes; what it holds is undefined. A later
  /// call for the same buffer hands out the same memory, which is in order, for launches are. Grows by a new
  /// allocation, which a graph under capture cannot hold: the first pass of a shape is not captured.
  float* scratch(Scratch which, std::int64_t count);

  /// Blocks of the caller's, by size, recycled; none is freed before the queue is.
  void* take(std::size_t num_bytes);
  void give(void* block, std::size_t num_bytes);

  /// Bytes asked of the GPU so far.
  std::size_t bytes_reserved() const { return reserved_; }

 private:
  void* allocate(std::size_t num_bytes);

  struct Buffer {
    float* memory = nullptr;
    std::int64_t count = 0;
  };

  Stream stream_;
  Buffer scratch_[static_cast<int>(Scratch::kCount)];
  std::map<std::size_t, std::vector<void*>> free_;
  std::vector<void*> all_;
  std::size_t reserved_ = 0;
};

}  // namespace reprise::numerics::cuda
