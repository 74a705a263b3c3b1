// [C-9] on a GPU.

#include "two_devices.h"

namespace reprise::numerics {
namespace {

std::vector<std::int32_t> random_ids(std::int64_t count, std::int32_t vocab, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(engine() % static_cast<std::uint32_t>(vocab));
  return ids;
}

std::vector<float> lookup_and_gradient(Device& device, DeviceMemory& memory, const std::vector<std::int32_t>& tokens,
                                       std::int32_t vocab, std::int64_t dim) {
  const auto count = static_cast<std::int64_t>(tokens.size());
  const std::int32_t* const ids = memory.copy_of(tokens);
  float* const y = memory.output(count * dim);
  device.embedding_forward(count, dim, ids, memory.copy_of(random_values(vocab * dim, 1, true)), y);
  float* const dtable = memory.output(vocab * dim);
  device.embedding_backward(count, dim, vocab, ids, memory.copy_of(random_values(count * dim, 2, true)), dtable);
  std::vector<float> all = memory.values(y, count * dim);
  append(all, memory.values(dtable, vocab * dim));
  return all;
}

TEST(CudaEmbedding, LooksUpAndAddsRowsLikeTheCpu) {
  for (const std::int64_t count : {0, 1, 33, 200}) {
    for (const std::int32_t vocab : {1, 50}) {
      for (const std::int64_t dim : {1, 30, 132}) {
        expect_same_bits([=](Device& device, DeviceMemory& memory) {
          return lookup_and_gradient(device, memory, random_ids(count, vocab, 3), vocab, dim);
        });
      }
    }
  }
}

TEST(CudaEmbedding, SortsMoreIdsThanATileHolds) {
  for (const std::int64_t count : {1024, 1025}) {
    expect_same_bits([=](Device& device, DeviceMemory& memory) {
      return lookup_and_gradient(device, memory, random_ids(count, 400, 4), 400, 3);
    });
  }
}

TEST(CudaEmbedding, RunsOfAnyLengthAreAddedInOrder) {
  for (const std::int64_t length : {15, 16, 17, 31, 32, 33, 64, 65}) {
    expect_same_bits([=](Device& device, DeviceMemory& memory) {
      std::vector<std::int32_t> ids(static_cast<std::size_t>(length), 6);
      ids.insert(ids.end(), {0, 7, 6, 5});
      return lookup_and_gradient(device, memory, ids, 8, 20);
    });
  }
}

TEST(CudaEmbedding, ARowsGradientBeginsAtPositiveZero) {
  expect_same_bits([](Device& device, DeviceMemory& memory) {
    const std::vector<std::int32_t> ids = {1, 3, 1};
    float* const dtable = memory.output(4);
    device.embedding_backward(3, 1, 4, memory.copy_of(ids), memory.copy_of(std::vector<float>(3, -0.0f)), dtable);
    return memory.values(dtable, 4);
  });
}

TEST(CudaEmbedding, AnIdOutsideTheTableAddsToNoRow) {
  const std::unique_ptr<Device> device = emulation::make_emulated_device();
  DeviceMemory memory(*device);
  const std::vector<std::int32_t> ids = {-1, 1, 2};
  float* const dtable = memory.output(2);
  device->embedding_backward(3, 1, 2, memory.copy_of(ids), memory.copy_of(std::vector<float>{1, 2, 4}), dtable);
  EXPECT_EQ(memory.values(dtable, 2), (std::vector<float>{0, 2}));
}

TEST(CudaEmbedding, LooksUpRowsThatAreNotAligned) {
  expect_same_bits([](Device& device, DeviceMemory& memory) {
    const std::vector<std::int32_t> ids = {2, 0, 1};
    float* const y = memory.output(13);
    device.embedding_forward(3, 4, memory.copy_of(ids), memory.copy_of(random_values(13, 5)) + 1, y);
    return memory.values(y, 12);
  });
}

}  // namespace
}  // namespace reprise::numerics
