#pragma once
// Memory of gradient sums: blocks that are used again by whoever asks for about the same size, and a count of the most
// that was in use at once.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

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

/// Where blocks come from and go to. Both thread-safe.
struct BlockSource {
  std::function<void*(std::size_t num_bytes)> take;
  std::function<void(void* block, std::size_t num_bytes)> give;
};

class GradientMemory : public std::enable_shared_from_this<GradientMemory> {
 public:
  /// Memory of the host.
  static std::shared_ptr<GradientMemory> create();
  /// Memory of another kind, such as a GPU's: only its owner's additions may follow its addresses.
  static std::shared_ptr<GradientMemory> create(BlockSource source);

  /// Returns a block whose contents are undefined. Thread-safe. Throws std::bad_alloc.
  GradientBuffer take(std::int64_t num_elements);

  /// Bytes of the blocks in use when they were most.
  std::int64_t peak_bytes() const;

 private:
  friend ReturnToMemory;
  explicit GradientMemory(BlockSource source) : source_(std::move(source)) {}
  void give(float* block, std::int64_t num_elements);

  BlockSource source_;
  mutable std::mutex mutex_;  // guards what follows
  std::int64_t bytes_ = 0;
  std::int64_t peak_bytes_ = 0;
};

}  // namespace reprise::dist
