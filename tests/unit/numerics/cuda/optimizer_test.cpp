// [C-16] and [C-17] on a GPU.

#include "two_devices.h"

namespace reprise::numerics {
namespace {

TEST(CudaGradientNorm, ChunkSumsEqualTheCpus) {
  for (const std::int64_t count : {0, 1, 31, 33, 4095, 4096, 4097, 8192, 8 * 4096 + 5, 70000}) {
    for (const float scale : {1.0f, 0x1p-74f}) {  // the squares of the latter underflow, some to zero
      expect_same_bits([=](Device& device, DeviceMemory& memory) {
        std::vector<float> x = random_values(count, 1);
        for (float& value : x) value *= scale;
        const std::int64_t num_chunks = (count + 4095) / 4096;
        float* const sums = memory.output(num_chunks);
        device.chunk_sums_of_squares(count, memory.copy_of(x), sums);
        return memory.values(sums, num_chunks);
      });
    }
  }
}

TEST(CudaAdamW, UpdatesLikeTheCpu) {
  for (const float decay : {0.0f, 0.1f}) {
    for (const std::int64_t count : {0, 1, 255, 1024, 1025, 5000}) {
      expect_same_bits([=](Device& device, DeviceMemory& memory) {
        const AdamWStep step = {3e-4f, 0.9f, 0.95f, 1e-8f, decay, 0.271f, 0.142625f};
        const float* const g = memory.copy_of(random_values(count, 1, true));
        float* const w = memory.copy_of(random_values(count, 2, true));
        float* const m = memory.copy_of(random_values(count, 3, true));
        std::vector<float> squares = random_values(count, 4, true);
        for (float& x : squares) x = x * x;
        float* const v = memory.copy_of(squares);
        device.adamw_update(count, step, g, w, m, v);
        std::vector<float> all = memory.values(w, count);
        append(all, memory.values(m, count));
        append(all, memory.values(v, count));
        return all;
      });
    }
  }
}

}  // namespace
}  // namespace reprise::numerics
