// RMSNorm [C-10] and LayerNorm [C-35] on a GPU.

#include "two_devices.h"

namespace reprise::numerics {
namespace {

struct Shape {
  std::int64_t num_rows, dim;
};

// Around the 32 lanes, the 8 rows of a block, the 256 rows of a segment, and the lengths of rows that are kept in
// registers: 256, 1024 and 2048.
constexpr Shape kShapes[] = {{0, 8},   {1, 1},   {2, 31},   {7, 32},   {9, 33},   {257, 5},  {600, 40}, {256, 64},
                             {8, 256}, {3, 257}, {5, 1000}, {2, 1024}, {3, 1025}, {2, 2048}, {2, 2049}, {3, 3333}};

constexpr float kEpsilon = 1e-6f;

/// Products of these are subnormal of either sign, and so is all that a lane holds: the zeros that extend a row show.
std::vector<float> tiny_values(std::int64_t count, unsigned seed) {
  std::vector<float> values = random_values(count, seed);
  for (float& x : values) x *= 0x1p-80f;
  return values;
}

struct Inputs {
  std::vector<float> x, dy, weight, bias;
};

Inputs ordinary_inputs(const Shape& shape) {
  const std::int64_t count = shape.num_rows * shape.dim;
  return {random_values(count, 1, true), random_values(count, 2, true), random_values(shape.dim, 3, true),
          random_values(shape.dim, 4, true)};
}

Inputs tiny_inputs(const Shape& shape) {
  const std::int64_t count = shape.num_rows * shape.dim;
  return {tiny_values(count, 1), tiny_values(count, 2), random_values(shape.dim, 3), random_values(shape.dim, 4)};
}

std::vector<float> rms_norm(Device& device, DeviceMemory& memory, const Shape& shape, const Inputs& inputs,
                            bool in_place) {
  const auto [num_rows, dim] = shape;
  const std::int64_t count = num_rows * dim;
  const float* const x = memory.copy_of(inputs.x);
  float* const dy = memory.copy_of(inputs.dy);
  const float* const weight = memory.copy_of(inputs.weight);
  float* const y = memory.output(count);
  float* const inverse = memory.output(num_rows);
  device.rms_norm_forward(num_rows, dim, x, weight, kEpsilon, y, inverse);
  float* const dx = in_place ? dy : memory.output(count);
  float* const dweight = memory.output(dim);
  device.rms_norm_backward(num_rows, dim, dy, x, weight, inverse, dx, dweight);
  std::vector<float> all = memory.values(y, count);
  append(all, memory.values(inverse, num_rows));
  append(all, memory.values(dx, count));
  append(all, memory.values(dweight, dim));
  return all;
}

std::vector<float> layer_norm(Device& device, DeviceMemory& memory, const Shape& shape, const Inputs& inputs,
                              bool with_bias) {
  const auto [num_rows, dim] = shape;
  const std::int64_t count = num_rows * dim;
  const float* const x = memory.copy_of(inputs.x);
  float* const dy = memory.copy_of(inputs.dy);
  const float* const weight = memory.copy_of(inputs.weight);
  const float* const bias = with_bias ? memory.copy_of(inputs.bias) : nullptr;
  float* const y = memory.output(count);
  float* const mean = memory.output(num_rows);
  float* const inverse = memory.output(num_rows);
  device.layer_norm_forward(num_rows, dim, x, weight, bias, kEpsilon, y, mean, inverse);
  float* const dx = with_bias ? memory.output(count) : dy;
  float* const dweight = memory.output(dim);
  float* const dbias = with_bias ? memory.output(dim) : nullptr;
  device.layer_norm_backward(num_rows, dim, dy, x, weight, mean, inverse, dx, dweight, dbias);
  std::vector<float> all = memory.values(y, count);
  append(all, memory.values(mean, num_rows));
  append(all, memory.values(inverse, num_rows));
  append(all, memory.values(dx, count));
  append(all, memory.values(dweight, dim));
  if (with_bias) append(all, memory.values(dbias, dim));
  return all;
}

TEST(CudaRmsNorm, EqualsTheCpu) {
  for (const Shape& shape : kShapes) {
    for (const Inputs& inputs : {ordinary_inputs(shape), tiny_inputs(shape)}) {
      expect_same_bits([&](Device& device, DeviceMemory& memory) {
        return rms_norm(device, memory, shape, inputs, shape.num_rows % 2 == 0);
      });
    }
  }
}

TEST(CudaLayerNorm, EqualsTheCpu) {
  for (const Shape& shape : kShapes) {
    for (const Inputs& inputs : {ordinary_inputs(shape), tiny_inputs(shape)}) {
      for (const bool with_bias : {true, false}) {
        expect_same_bits(
            [&](Device& device, DeviceMemory& memory) { return layer_norm(device, memory, shape, inputs, with_bias); });
      }
    }
  }
}

TEST(CudaRmsNorm, TheZerosThatExtendARowTakePart) {
  // All products round to -0 and so do the lanes of one element each, unless a zero is added to them. The sign of the
  // sum shows in the element whose gradient is -0.
  expect_same_bits([](Device& device, DeviceMemory& memory) {
    constexpr std::int64_t kDim = 33;
    Inputs inputs = {
        std::vector<float>(kDim, 1.0f), std::vector<float>(kDim, -0x1p-149f), std::vector<float>(kDim, 1.0f), {}};
    inputs.x[32] = 1000.0f;
    inputs.dy[32] = -0.0f;
    return rms_norm(device, memory, {1, kDim}, inputs, false);
  });
}

}  // namespace
}  // namespace reprise::numerics
