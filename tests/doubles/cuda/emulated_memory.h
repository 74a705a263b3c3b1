#pragma once
// The emulated GPU's global memory: where its allocations are, so that an access beside them is found, and how much
// there is.

#include <cstddef>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

namespace reprise::emulation {

/// Held by whoever runs a kernel, allocates or frees: emulated GPUs of several threads are one.
std::mutex& one_at_a_time();

class GlobalMemory {
 public:
  void add(const void* begin, std::size_t num_bytes);
  /// Returns the size of an allocation and forgets it.
  std::size_t remove(const void* begin);
  /// The allocation that an address lies in, and its size; none where the size is 0.
  std::pair<const std::byte*, std::size_t> allocation_of(const void* address) const;
  /// Whether all of the bytes lie in one allocation.
  bool holds(const void* begin, std::size_t num_bytes);

  std::size_t bytes_used() const { return used_; }
  std::size_t peak_bytes() const { return peak_; }
  void forget_peak() { peak_ = used_; }
  void limit_to(std::size_t num_bytes) { limit_ = num_bytes; }
  bool has_room_for(std::size_t num_bytes) const { return used_ + num_bytes <= limit_; }

 private:
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
  std::size_t limit_ = std::numeric_limits<std::size_t>::max() / 2;
  std::map<const std::byte*, std::size_t> allocations_;
  std::pair<const std::byte*, std::size_t> last_{};  // found
};

GlobalMemory& global_memory();

/// Returns memory of NaNs, aligned to 256 bytes. Throws Error(kOutOfMemory). Stops the program when memory is freed
/// that a copy under way uses, or behind which something was written.
void* allocate(std::size_t num_bytes);
void free(void* memory);

}  // namespace reprise::emulation
