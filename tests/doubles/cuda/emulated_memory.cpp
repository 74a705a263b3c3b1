#include "emulated_memory.h"

#include <algorithm>
#include <cstring>

#include "emulated_cuda.h"
#include "emulated_races.h"
#include "emulated_reads.h"
#include "reprise/core/error.h"

namespace reprise::emulation {
namespace {

constexpr std::size_t kGuardBytes = 256;
constexpr unsigned char kPoison = 0xff;

bool lies_in(const std::byte* begin, std::size_t num_bytes, const std::pair<const std::byte*, std::size_t>& range) {
  return begin >= range.first && begin + num_bytes <= range.first + range.second;
}

}  // namespace

void GlobalMemory::add(const void* begin, std::size_t num_bytes) {
  allocations_[static_cast<const std::byte*>(begin)] = num_bytes;
  used_ += num_bytes;
  peak_ = std::max(peak_, used_);
}

std::size_t GlobalMemory::remove(const void* begin) {
  const auto found = allocations_.find(static_cast<const std::byte*>(begin));
  const std::size_t num_bytes = found->second;
  allocations_.erase(found);
  used_ -= num_bytes;
  last_ = {};
  return num_bytes;
}

std::pair<const std::byte*, std::size_t> GlobalMemory::allocation_of(const void* address) const {
  const auto* const place = static_cast<const std::byte*>(address);
  auto behind = allocations_.upper_bound(place);
  if (behind == allocations_.begin()) return {};
  --behind;
  if (!lies_in(place, 1, *behind)) return {};
  return *behind;
}

bool GlobalMemory::holds(const void* begin, std::size_t num_bytes) {
  const auto* const first = static_cast<const std::byte*>(begin);
  if (lies_in(first, num_bytes, last_)) return true;
  if (const auto found = allocation_of(begin); found.second != 0) last_ = found;
  return lies_in(first, num_bytes, last_);
}

std::mutex& one_at_a_time() {
  static auto* const mutex = new std::mutex;  // as the memory below
  return *mutex;
}

void* allocate(std::size_t num_bytes) {
  const std::lock_guard lock(one_at_a_time());
  if (!global_memory().has_room_for(num_bytes)) throw Error(ErrorKind::kOutOfMemory, "no memory left");
  void* const memory = allocate_watched(num_bytes + kGuardBytes);
  std::memset(memory, kPoison, num_bytes + kGuardBytes);
  global_memory().add(memory, num_bytes);
  return memory;
}

void free(void* memory) {
  const std::lock_guard lock(one_at_a_time());
  const std::size_t num_bytes = global_memory().remove(memory);
  expect_no_read(memory, num_bytes);
  const auto* const behind = static_cast<const unsigned char*>(memory) + num_bytes;
  for (std::size_t i = 0; i < kGuardBytes; ++i) {
    if (behind[i] != kPoison) stop("something was written behind an allocation");
  }
  free_watched(memory, num_bytes + kGuardBytes);
}

GlobalMemory& global_memory() {
  static auto* const memory = new GlobalMemory;  // devices may outlive what ends with the program
  return *memory;
}

}  // namespace reprise::emulation
