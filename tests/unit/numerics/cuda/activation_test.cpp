// [C-13] and [C-38] on a GPU.

#include "two_devices.h"

namespace reprise::numerics {
namespace {

constexpr Activation kActivations[] = {Activation::kRelu, Activation::kSigmoid, Activation::kSilu, Activation::kGelu,
                                       Activation::kGeluTanh};
constexpr std::int64_t kCounts[] = {0, 1, 33, 256, 1023, 1024, 1025, 5000};

/// From where exponentials underflow to where they overflow, and what random_values calls hard.
std::vector<float> wide_values(std::int64_t count, unsigned seed) {
  std::vector<float> values = random_values(count, seed, true);
  for (std::size_t i = 0; i < values.size(); i += 3) values[i] *= 30.0f;
  return values;
}

TEST(CudaActivation, FunctionsAndSlopesEqualTheCpus) {
  for (const Activation activation : kActivations) {
    for (const std::int64_t count : kCounts) {
      expect_same_bits([=](Device& device, DeviceMemory& memory) {
        float* const x = memory.copy_of(wide_values(count, 1));
        float* const dy = memory.copy_of(random_values(count, 2, true));
        float* const dx = memory.output(count);
        device.activation_backward(activation, count, x, dy, dx);
        device.activation_backward(activation, count, x, dy, dy);
        device.activation_forward(activation, count, x, x);
        std::vector<float> all = memory.values(x, count);
        append(all, memory.values(dx, count));
        append(all, memory.values(dy, count));
        return all;
      });
    }
  }
}

TEST(CudaActivation, GatedUnitsEqualTheCpus) {
  for (const Activation activation : kActivations) {
    for (const std::int64_t count : kCounts) {
      expect_same_bits([=](Device& device, DeviceMemory& memory) {
        const float* const gate = memory.copy_of(wide_values(count, 1));
        const float* const up = memory.copy_of(random_values(count, 2, true));
        float* const dy = memory.copy_of(random_values(count, 3, true));
        float* const y = memory.output(count);
        float* const dgate = memory.output(count);
        device.gated_forward(activation, count, gate, up, y);
        device.gated_backward(activation, count, gate, up, dy, dgate, dy);
        std::vector<float> all = memory.values(y, count);
        append(all, memory.values(dgate, count));
        append(all, memory.values(dy, count));
        return all;
      });
    }
  }
}

}  // namespace
}  // namespace reprise::numerics
