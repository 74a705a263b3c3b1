// The emulated GPU must stop a kernel that touches memory which is not its own.

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "emulated_cuda.h"
#include "emulated_device.h"
#include "language.h"
#include "reprise/core/error.h"
#include "runtime.h"

namespace reprise::numerics::cuda {
namespace {

constexpr std::int64_t kCount = 64;

class Memory : public testing::Test {
 protected:
  ~Memory() override {
    if (floats != nullptr) stream.free(floats);
  }
  /// Runs a block of one thread.
  void run(const std::function<void()>& kernel) {
    emulation::launch(stream.handle(), dim3(1), dim3(1), {256 * sizeof(float)}, kernel);
    stream.synchronize();
  }
  void free() { stream.free(std::exchange(floats, nullptr)); }

  Stream stream{0};
  float* floats = static_cast<float*>(stream.allocate(kCount * sizeof(float)));
};
using MemoryDeathTest = Memory;

TEST_F(Memory, LetsAKernelUseAllOfAnAllocationAndOfTheBlocksMemory) {
  run([this] {
    REPRISE_SHARED(float, row, [8]);
    store4(floats, {1, 2, 3, 4});
    store4(row + 4, load4(floats));
    store4(dynamic_shared() + 252, load4(row + 4));
    store4(floats + kCount - 4, load4(dynamic_shared() + 252));
    copy16_later(row, floats + kCount - 4);
    copy4_later(dynamic_shared() + 255, floats + kCount - 1);
    commit_copies();
    wait_for_copies<0>();
    store4(floats + 4, load4(row));
  });
  EXPECT_EQ(floats[7], 4.0f);
}

TEST_F(MemoryDeathTest, StopsLoadsAndStoresBesideAnAllocation) {
  const char* const outside = "outside the memory of the block and the GPU";
  EXPECT_DEATH(run([this] { load4(floats + kCount); }), outside);
  EXPECT_DEATH(run([this] { load4(floats - 4); }), outside);
  EXPECT_DEATH(run([this] { store4(floats + kCount, {}); }), outside);
  EXPECT_DEATH(run([this] { load4(floats + 1); }), "not aligned");
  alignas(16) float on_host[4] = {};
  EXPECT_DEATH(run([&] { load4(on_host); }), outside);
}

TEST_F(MemoryDeathTest, StopsLoadsOfMemoryThatWasFreed) {
  run([this] { load4(floats); });
  float* const before = floats;
  free();
  EXPECT_DEATH(run([=] { load4(before); }), "outside the memory");
}

TEST_F(MemoryDeathTest, StopsAccessesBehindSharedMemory) {
  const auto behind_variable = [] {
    REPRISE_SHARED(float, row, [8]);
    load4(row + 8);
  };
  EXPECT_DEATH(run(behind_variable), "outside the memory");
  EXPECT_DEATH(run([] { load4(dynamic_shared() + 256); }), "outside the memory");
}

TEST_F(MemoryDeathTest, StopsCopiesThatDoNotGoFromTheGpusMemoryToTheBlocks) {
  EXPECT_DEATH(run([this] { copy16_later(dynamic_shared(), floats + kCount); }), "source.*outside");
  EXPECT_DEATH(run([this] { copy4_later(dynamic_shared() + 256, floats); }), "target.*outside");
  EXPECT_DEATH(run([this] { copy16_later(floats, floats + 4); }), "target.*not shared");
  EXPECT_DEATH(run([] { copy4_later(dynamic_shared(), dynamic_shared() + 4); }), "source.*is shared");
  EXPECT_DEATH(run([this] { copy16_later(dynamic_shared(), floats + 1); }), "source.*not aligned");
}

void use_variable() {
  REPRISE_SHARED(float, row, [8]);
  store4(row, {1, 2, 3, 4});
}

/// Runs a block of one thread that has so much dynamic shared memory.
void launch_on(int gpu, std::size_t shared_bytes, bool asks = true) {
  Stream stream{gpu};
  emulation::launch(stream.handle(), dim3(1), dim3(1), {shared_bytes, asks}, use_variable);
}

TEST(SharedMemory, OfABlockIsAsLargeAsTheGpuHasIt) {
  constexpr std::size_t kVariable = 8 * sizeof(float);
  launch_on(emulation::kDevice, 101376 - kVariable);  // what 8.6, 8.9 and 12.0 have
  launch_on(emulation::kLargeDevice, (163 << 10) - kVariable);
}

TEST(SharedMemoryDeathTest, StopsALaunchThatAsksForMoreThanTheGpuHas) {
  const char* const more = "asks for more shared memory than the GPU";
  EXPECT_DEATH(launch_on(emulation::kDevice, 101376 + 16), more);
  EXPECT_DEATH(launch_on(emulation::kDevice, 101376), more);  // its variable has no place
  EXPECT_DEATH(launch_on(emulation::kLargeDevice, 163 << 10), more);
}

TEST(SharedMemory, HoldsItsVariablesInWhatABlockHasUnasked) {
  constexpr std::size_t kVariable = 8 * sizeof(float);
  launch_on(emulation::kDevice, (48 << 10) - kVariable, false);
}

TEST(SharedMemoryDeathTest, StopsALaunchWhoseVariablesHaveNoPlaceInWhatABlockHasUnasked) {
  EXPECT_DEATH(launch_on(emulation::kDevice, 48 << 10, false), "more shared memory than was asked for");
}

TEST(SharedMemory, OfWhichAGpuHasTooLittleMakesNoDevice) {
  try {
    emulation::make_emulated_device(WorkOrder::kOwn, emulation::kOldDevice);
    FAIL() << "a device with 64 KiB of shared memory";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDevice);
    EXPECT_NE(std::string(error.what()).find("can have 64 KiB of shared memory, and needs 99"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace reprise::numerics::cuda
