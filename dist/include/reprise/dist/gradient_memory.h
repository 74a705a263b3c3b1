#pragma once
// Memory of gradient sums: blocks that are used again by whoever asks for about the same size, and a count of the most
// that was in use at once.

#include <cstdint>
#include <memory>
#include <mutex>

#include "reprise/core/large_memory.h"

namespace reprise::dist {

class GradientMemory;

/// Gives a block back where it came from.
struct ReturnToMemory {
  std::shared_ptr<GradientMemory> memory;
  std::int64_t num_elements = 0;
  void operator()(float* block) const;
};

/// A block of floats that a tree adds. Owned, so that partial sums can move between threads and ranks.
using GradientBuffer = std::unique_ptr<float[], ReturnToMemory>;

class GradientMemory : public std::enable_shared_from_this<GradientMemory> {
 public:
  static std::shared_ptr<GradientMemory> create();

  /// Returns a block whose contents are undefined. Thread-safe. Throws std::bad_alloc.
  GradientBuffer take(std::int64_t num_elements);

  /// Bytes of the blocks in use when they were most.
  std::int64_t peak_bytes() const;

 private:
  friend ReturnToMemory;
  GradientMemory() = default;
  void give(float* block, std::int64_t num_elements);

  MemoryPool pool_;
  mutable std::mutex mutex_;  // guards what follows
  std::int64_t bytes_ = 0;
  std::int64_t peak_bytes_ = 0;
};

}  // namespace reprise::dist
