#pragma once
// Memory of a device that is given back together.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "reprise/numerics/device.h"

namespace reprise::numerics {

/// Failures: as of Device. The device must outlive it.
class DeviceMemory {
 public:
  explicit DeviceMemory(Device& device) : device_(device) {}
  ~DeviceMemory() {
    for (const auto& [block, num_bytes] : blocks_) device_.give(block, num_bytes);
  }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// Returns memory for `count` values, contents undefined.
  template <typename T>
  T* take(std::int64_t count) {
    const std::size_t num_bytes = static_cast<std::size_t>(count) * sizeof(T);
    blocks_.emplace_back(device_.take(num_bytes), num_bytes);
    return static_cast<T*>(blocks_.back().first);
  }

  /// Returns memory with the values of host memory.
  template <typename T>
  T* copy_of(std::span<const T> values) {
    T* const memory = take<T>(static_cast<std::int64_t>(values.size()));
    device_.write(memory, values.data(), values.size_bytes());
    return memory;
  }
  template <typename T>
  T* copy_of(const std::vector<T>& values) {
    return copy_of(std::span<const T>(values));
  }

  /// Returns memory of NaNs, so that what an operator does not write shows.
  float* output(std::int64_t count) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    return copy_of(std::vector<float>(static_cast<std::size_t>(count), nan));
  }

  /// Returns values of the device.
  std::vector<float> values(const float* memory, std::int64_t count) {
    std::vector<float> result(static_cast<std::size_t>(count));
    device_.read(result.data(), memory, result.size() * sizeof(float));
    return result;
  }

 private:
  Device& device_;
  std::vector<std::pair<void*, std::size_t>> blocks_;
};

}  // namespace reprise::numerics
