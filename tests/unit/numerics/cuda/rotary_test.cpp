// [C-11] and [C-37] on a GPU.

#include "two_devices.h"

namespace reprise::numerics {
namespace {

constexpr RotaryLayout kLayouts[] = {
    {1, 2, 2, RotaryPairs::kHalves},         {3, 64, 64, RotaryPairs::kHalves},
    {9, 20, 12, RotaryPairs::kHalves},       {2, 130, 130, RotaryPairs::kHalves},
    {1, 75, 4, RotaryPairs::kHalves},        {1, 2, 2, RotaryPairs::kInterleaved},
    {9, 64, 64, RotaryPairs::kInterleaved},  {17, 21, 12, RotaryPairs::kInterleaved},
    {2, 130, 66, RotaryPairs::kInterleaved},
};

TEST(CudaRotary, TurnsBothWaysLikeTheCpu) {
  struct Tokens {
    std::int64_t num_sequences, length;
  };
  for (const RotaryLayout& layout : kLayouts) {
    for (const auto [num_sequences, length] : {Tokens{0, 5}, Tokens{1, 1}, Tokens{3, 7}}) {
      expect_same_bits([&, num_sequences = num_sequences, length = length](Device& device, DeviceMemory& memory) {
        const std::int64_t count = num_sequences * length * layout.num_heads * layout.head_dim;
        std::vector<float> cos(static_cast<std::size_t>(length * layout.rotary_dim / 2)), sin = cos;
        rope_table(length, layout.rotary_dim, 10000.0, cos.data(), sin.data());
        const float* const cosines = memory.copy_of(cos);
        const float* const sines = memory.copy_of(sin);
        float* const x = memory.copy_of(random_values(count, 1, true));
        float* const y = memory.output(count);
        device.rotary_forward(num_sequences, length, layout, x, cosines, sines, y);
        device.rotary_backward(num_sequences, length, layout, x, cosines, sines, x);
        std::vector<float> all = memory.values(y, count);
        append(all, memory.values(x, count));
        return all;
      });
    }
  }
}

}  // namespace
}  // namespace reprise::numerics
