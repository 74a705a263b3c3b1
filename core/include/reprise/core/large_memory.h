#pragma once
// Memory of megabytes that is used again and again: on huge pages where the system offers them, never given back to it
// in between, so that a step neither faults pages in nor misses the address cache. Cannot change a value.

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace reprise {

/// Asks the system to back the whole 2 MiB pages inside [data, data + num_bytes) by huge pages from their first touch
/// on. Does nothing where it cannot.
void advise_huge_pages(void* data, std::size_t num_bytes);

/// Blocks by size class, recycled; memory is kept until the pool is destroyed. Thread-safe. Blocks are aligned to 64 bytes
/// and hold whatever was in them.
class MemoryPool {
 public:
  MemoryPool() = default;
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  /// Throws std::bad_alloc when the system has no memory left.
  void* take(std::size_t num_bytes);
  /// Gives back a block of take(num_bytes) of the same size.
  void give(void* block, std::size_t num_bytes);

  /// Bytes asked of the system so far.
  std::size_t bytes_reserved() const;

 private:
  struct Slab {
    void* data;
    std::size_t num_bytes;
  };

  void* take_from_slab(std::size_t num_bytes);

  mutable std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;  // by size class
  std::vector<Slab> slabs_;
  std::size_t used_ = 0;  // of the last slab
  std::size_t reserved_ = 0;
};

}  // namespace reprise
