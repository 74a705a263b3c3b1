// A GPU whose memory is full of free blocks of other sizes, on the emulated GPU.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emulated_memory.h"
#include "reprise/core/error.h"
#include "two_devices.h"

namespace reprise::numerics {
namespace {

using testing::Each;

constexpr std::int64_t kCount = 1024;

class LittleMemory : public testing::Test {
 protected:
  void TearDown() override { emulation::global_memory().limit_to(std::size_t{1} << 40); }

  /// From now on the GPU has so many floats more.
  void leave(std::int64_t count) {
    const std::size_t used = emulation::global_memory().bytes_used();
    emulation::global_memory().limit_to(used + static_cast<std::size_t>(count) * sizeof(float));
  }
  std::vector<float> ones(std::int64_t count) { return std::vector<float>(static_cast<std::size_t>(count), 1.0f); }

  std::unique_ptr<Device> device = emulation::make_emulated_device();
};

TEST_F(LittleMemory, IsEnoughForSizesThatComeOneAfterAnother) {
  leave(2 * kCount);
  DeviceMemory kept(*device);
  const float* const values = kept.copy_of(ones(512));
  for (std::int64_t count = 128; count <= kCount; count += 128) {
    DeviceMemory memory(*device);
    memory.take<float>(count);
  }
  EXPECT_LE(device->bytes_reserved(), 2 * kCount * sizeof(float));
  EXPECT_THAT(kept.values(values, 512), Each(1.0f));
}

TEST_F(LittleMemory, IsAnErrorWhenNothingIsFree) {
  leave(kCount);
  DeviceMemory memory(*device);
  memory.take<float>(kCount);
  try {
    memory.take<float>(kCount);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kOutOfMemory);
  }
}

TEST_F(LittleMemory, IsAskedOfOthersWhereTheDeviceHasNoneUnusedItself) {
  const auto other = emulation::make_emulated_device();
  int times_asked = 0;
  device->on_shortage([&] {
    ++times_asked;
    other->give_back_unused();
  });
  DeviceMemory(*device).take<float>(kCount);
  DeviceMemory(*other).take<float>(kCount);
  leave(0);
  DeviceMemory memory(*device);
  memory.take<float>(kCount / 2);
  EXPECT_EQ(times_asked, 0) << "the block of another size is enough";
  memory.take<float>(kCount);
  EXPECT_EQ(times_asked, 1);
  EXPECT_FALSE(other->give_back_unused()) << "there is none left";
  EXPECT_THROW(memory.take<float>(kCount), Error);
  EXPECT_EQ(times_asked, 2);
}

TEST_F(LittleMemory, LeavesARecordingItsBlocks) {
  DeviceMemory memory(*device);
  float* const x = memory.copy_of(ones(kCount));
  float* const y = memory.output(kCount);
  const auto pieces = device->record([&] {
    DeviceMemory of_pass(*device);
    float* const sum = of_pass.take<float>(kCount);
    device->add(kCount, x, x, sum);
    device->add(kCount, sum, x, y);
  });
  leave(0);
  EXPECT_FALSE(device->give_back_unused());
  EXPECT_THROW(memory.take<float>(kCount / 2), Error);
  for (const auto& piece : pieces) piece();
  EXPECT_THAT(memory.values(y, kCount), Each(3.0f));
}

TEST_F(LittleMemory, GetsTheBlocksOfARecordingBackWithTheLastOfItsPieces) {
  DeviceMemory memory(*device);
  const float* const x = memory.copy_of(ones(kCount));
  auto pieces = device->record([&] {
    DeviceMemory of_pass(*device);
    float* const sum = of_pass.take<float>(kCount);
    device->add(kCount, x, x, sum);
    device->end_piece();
    device->add(kCount, x, sum, sum);
  });
  ASSERT_EQ(pieces.size(), 2u);
  const std::size_t reserved = device->bytes_reserved();
  pieces.pop_back();
  memory.take<float>(kCount);
  EXPECT_GT(device->bytes_reserved(), reserved);
  const std::size_t with_another = device->bytes_reserved();
  pieces.clear();
  memory.take<float>(kCount);
  EXPECT_EQ(device->bytes_reserved(), with_another);
}

}  // namespace
}  // namespace reprise::numerics
