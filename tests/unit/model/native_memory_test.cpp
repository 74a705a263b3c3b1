// The native profile on a GPU without memory left, which this project's blocks and LibTorch's tensors share: what
// either keeps unused is the other's. The GPU is the emulated one, and LibTorch's CPU is LibTorch there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "emulated_memory.h"
#include "emulated_torch.h"
#include "native_model.h"
#include "reprise/core/error.h"

namespace reprise::model {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kFloats = 4096;

class FullGpu : public testing::Test {
 protected:
  void TearDown() override { leave_all(); }

  /// From now on the GPU has so many floats more.
  static void leave(std::int64_t count) {
    emulation::GlobalMemory& memory = emulation::global_memory();
    memory.limit_to(memory.bytes_used() + static_cast<std::size_t>(count) * sizeof(float));
  }
  static void leave_all() { emulation::global_memory().limit_to(std::numeric_limits<std::size_t>::max() / 2); }
  /// Returns the error's hint.
  static std::string expect_out_of_memory(const std::function<void()>& work) {
    try {
      work();
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kOutOfMemory) << error.what();
      EXPECT_THAT(std::string(error.what()), HasSubstr("no memory left"));
      return error.hint();
    }
    return {};
  }

  std::vector<float> score(const OnDevice& there) const {
    return there.decoder.score(model_.inputs, model_.targets, model_.shape.num_sequences, model_.shape.length);
  }

  emulation::TorchOnEmulatedGpu torch_{emulation::FreedTensors::kAreKept};
  HashedModel model_;
};

TEST_F(FullGpu, HasForTheDeviceWhatLibTorchKeepsUnused) {
  const OnDevice there(model_, "bfloat16", {}, 0);
  const GrainResult expected = there.run();
  leave(0);
  numerics::DeviceMemory memory(*there.device);
  EXPECT_NO_THROW(memory.take<float>(kFloats));
  expect_same(there.run(), expected);
}

TEST_F(FullGpu, HasForLibTorchWhatTheDeviceKeepsUnused) {
  const std::vector<float> expected = score(OnDevice(model_, "bfloat16", {}, 0));
  const OnDevice there(model_, "bfloat16", {}, 0);
  numerics::DeviceMemory(*there.device).take<float>(64 * kFloats);
  leave(0);
  EXPECT_TRUE(same_bits(score(there), expected));  // for which the device takes nothing
}

TEST_F(FullGpu, IsAnErrorWhenNobodyKeepsAnyAndPassesGoOnWhenThereIsSome) {
  const OnDevice there(model_, "bfloat16", {}, 0);
  leave(0);
  expect_out_of_memory([&] { numerics::DeviceMemory(*there.device).take<float>(kFloats); });
  expect_out_of_memory([&] { there.run(); });
  const std::string hint = expect_out_of_memory([&] { score(there); });
  EXPECT_THAT(hint, HasSubstr("runtime.recompute_layers")) << "LibTorch's";
  leave_all();
  const GrainResult result = there.run();
  expect_same(result, OnDevice(model_, "bfloat16", {}, 0).run());
}

TEST_F(FullGpu, IsFilledAgainByPassesThatFailHalfWayAndChangeNoBit) {
  const OnDevice there(model_, "bfloat16", {}, 0);
  const GrainResult expected = OnDevice(model_, "bfloat16", {}, 0).run();
  int num_failed = 0;
  for (std::int64_t count = 0; count < 8 * kFloats; count += kFloats / 4) {
    leave(count);
    try {
      expect_same(there.run(), expected);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kOutOfMemory);
      ++num_failed;
    }
  }
  EXPECT_GT(num_failed, 0);
  leave_all();
  expect_same(there.run(), expected);
}

TEST_F(FullGpu, ThatIsLostDoesNotHideWhyByWhatIsGivenBack) {
  auto there = std::make_unique<OnDevice>(model_, "bfloat16", std::nullopt, 0);
  there->run();
  torch_.lose_gpu();
  EXPECT_NO_THROW(there.reset());
}

}  // namespace
}  // namespace reprise::model
