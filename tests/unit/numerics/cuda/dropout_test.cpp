// [C-39] on a GPU.

#include "two_devices.h"

namespace reprise::numerics {
namespace {

TEST(CudaDropout, DropsWhatTheCpuDrops) {
  const std::vector<std::uint64_t> samples = {0, 7, 0xffffffffu, 0x100000000u, (1ull << 48) - 1};
  for (const double rate : {0.0, 0.1, 0.999}) {
    for (const std::int64_t count : {0, 1, 31, 100, 128, 129, 1000, 1024, 1025}) {
      for (const std::size_t num_sequences : {0u, 1u, 5u}) {
        expect_same_bits([&](Device& device, DeviceMemory& memory) {
          const DropoutRule rule = dropout_rule(0x123456789abcdefull, dropout_site(8000, DropoutPlace(3)), rate);
          const auto elements = static_cast<std::int64_t>(num_sequences) * count;
          const std::uint64_t* const ordinals = memory.copy_of(samples);
          float* const x = memory.copy_of(random_values(elements, 1, true));
          float* const y = memory.output(elements);
          device.dropout(static_cast<std::int64_t>(num_sequences), count, rule, ordinals, x, y);
          device.dropout(static_cast<std::int64_t>(num_sequences), count, rule, ordinals, x, x);
          std::vector<float> all = memory.values(y, elements);
          append(all, memory.values(x, elements));
          return all;
        });
      }
    }
  }
}

}  // namespace
}  // namespace reprise::numerics
