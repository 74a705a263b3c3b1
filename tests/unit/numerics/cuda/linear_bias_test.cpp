// [C-36] on a GPU.

#include "two_devices.h"

namespace reprise::numerics {
namespace {

struct Shape {
  std::int64_t num_rows, dim;
};

// Around the segments of 256 rows and the tiles of columns.
constexpr Shape kShapes[] = {{0, 33}, {1, 1},    {1, 64},   {3, 65},    {31, 32},  {33, 31},
                             {64, 5}, {255, 40}, {256, 33}, {257, 100}, {512, 64}, {1030, 3}};

TEST(CudaLinearBias, AddsABiasLikeTheCpu) {
  for (const auto [num_rows, dim] : kShapes) {
    expect_same_bits([num_rows = num_rows, dim = dim](Device& device, DeviceMemory& memory) {
      float* const y = memory.copy_of(random_values(num_rows * dim, 1, true));
      device.add_bias(num_rows, dim, memory.copy_of(random_values(dim, 2, true)), y);
      return memory.values(y, num_rows * dim);
    });
  }
}

TEST(CudaLinearBias, SumsTheGradientLikeTheCpu) {
  for (const auto [num_rows, dim] : kShapes) {
    expect_same_bits([num_rows = num_rows, dim = dim](Device& device, DeviceMemory& memory) {
      const float* const dy = memory.copy_of(random_values(num_rows * dim, 3, true));
      float* const dbias = memory.output(dim);
      device.bias_gradient(num_rows, dim, dy, dbias);
      return memory.values(dbias, dim);
    });
  }
}

TEST(CudaLinearBias, KeepsTheSignOfZeroOfTheCpu) {
  for (const std::int64_t num_rows : {1, 256, 257, 513}) {
    expect_same_bits([num_rows](Device& device, DeviceMemory& memory) {
      const std::vector<float> zeros(static_cast<std::size_t>(num_rows * 2), -0.0f);
      float* const dbias = memory.output(2);
      device.bias_gradient(num_rows, 2, memory.copy_of(zeros), dbias);
      return memory.values(dbias, 2);
    });
  }
}

}  // namespace
}  // namespace reprise::numerics
