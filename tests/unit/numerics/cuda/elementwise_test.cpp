// [C-14] on a GPU.

#include "two_devices.h"

namespace reprise::numerics {
namespace {

TEST(CudaElementwise, SumsScalesAndDividesLikeTheCpu) {
  for (const std::int64_t count : {0, 1, 31, 256, 1000}) {
    expect_same_bits([count](Device& device, DeviceMemory& memory) {
      float* const x = memory.copy_of(random_values(count, 1, true));
      const float* const y = memory.copy_of(random_values(count, 2, true));
      device.add(count, x, y, x);
      device.scale_in_place(count, 0x1.23456p-3f, x);
      device.divide_in_place(count, 3.0f, x);
      return memory.values(x, count);
    });
  }
}

}  // namespace
}  // namespace reprise::numerics
