#pragma once
// The same operator on the CPU and on the emulated GPU, with memory of each.

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "emulated_device.h"
#include "reprise/numerics/device.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::numerics {

/// Computes something on a device and returns all outputs, one after the other.
using Compute = std::function<std::vector<float>(Device& device, DeviceMemory& memory)>;

inline std::vector<float> computed_on(Device& device, const Compute& compute) {
  DeviceMemory memory(device);
  return compute(device, memory);
}

inline void expect_bits_of_cpu(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected[i]))
        << "element " << i << " of " << found.size() << ": " << found[i] << " on the GPU, " << expected[i]
        << " on the CPU";
  }
}

/// Expects the bits of the CPU on emulated GPUs, whatever the order of their threads.
inline void expect_same_bits(const Compute& compute, const std::vector<int>& gpus = {emulation::kDevice}) {
  const std::vector<float> expected = computed_on(cpu_device(), compute);
  for (const int gpu : gpus) {
    for (const char* order : {"forward", "backward", "20251122"}) {
      SCOPED_TRACE(testing::Message() << "emulated GPU " << gpu << ", order of threads " << order);
      setenv("REPRISE_EMULATION_ORDER", order, 1);
      const std::unique_ptr<Device> device = emulation::make_emulated_device(WorkOrder::kOwn, gpu);
      expect_bits_of_cpu(computed_on(*device, compute), expected);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

inline void append(std::vector<float>& all, const std::vector<float>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

/// Normal values; a few zeros of both signs, subnormals and large ones among them when `hard`.
inline std::vector<float> random_values(std::int64_t count, unsigned seed, bool hard = false) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& x : values) {
    x = normal(engine);
    if (!hard || engine() % 8 != 0) continue;
    const float special[] = {0.0f, -0.0f, 0x1p-140f, -0x1.8p-130f, 1e4f, -1e4f};
    x = special[engine() % 6];
  }
  return values;
}

}  // namespace reprise::numerics
