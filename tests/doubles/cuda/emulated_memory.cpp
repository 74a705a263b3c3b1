#include "emulated_memory.h"

namespace reprise::emulation {
namespace {

bool lies_in(const std::byte* begin, std::size_t num_bytes, const std::pair<const std::byte*, std::size_t>& range) {
  return begin >= range.first && begin + num_bytes <= range.first + range.second;
}

}  // namespace

void GlobalMemory::add(const void* begin, std::size_t num_bytes) {
  allocations_[static_cast<const std::byte*>(begin)] = num_bytes;
  used_ += num_bytes;
}

std::size_t GlobalMemory::remove(const void* begin) {
  const auto found = allocations_.find(static_cast<const std::byte*>(begin));
  const std::size_t num_bytes = found->second;
  allocations_.erase(found);
  used_ -= num_bytes;
  last_ = {};
  return num_bytes;
}

bool GlobalMemory::holds(const void* begin, std::size_t num_bytes) {
  const auto* const first = static_cast<const std::byte*>(begin);
  if (lies_in(first, num_bytes, last_)) return true;
  auto behind = allocations_.upper_bound(first);
  if (behind == allocations_.begin()) return false;
  last_ = *--behind;
  return lies_in(first, num_bytes, last_);
}

std::mutex& one_at_a_time() {
  static auto* const mutex = new std::mutex;  // as the memory below
  return *mutex;
}

GlobalMemory& global_memory() {
  static auto* const memory = new GlobalMemory;  // devices may outlive what ends with the program
  return *memory;
}

}  // namespace reprise::emulation
