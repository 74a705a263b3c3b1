// A run in the native profile on a GPU that has no byte more than it needs at once. The GPU is the emulated one, and
// LibTorch's CPU is LibTorch there.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "emulated_memory.h"
#include "emulated_torch.h"
#include "native_on_gpu.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "tiny_run_fixture.h"

namespace reprise::train {
namespace {

/// A first step of a grain, then steps of five: memory for others is asked for when LibTorch has taken some.
configs::RunConfig config_of_run() {
  configs::RunConfig config =
      tiny_config({"recipe.numerics=\"native\"", "native.dtype=\"bfloat16\"", "train.num_steps=3",
                   "train.evaluation.interval=2", "train.evaluation.sequences=8"});
  configs::BatchSize& first = *config.mutable_recipe()->mutable_train()->add_batch_warmup();
  first.set_sequences(2);
  first.set_steps(1);
  return config;
}

class NativeTrainingOnAFullGpu : public TinyRunTest {
 protected:
  static void SetUpTestSuite() { make_whole_run("native_memory", config_of_run(), add_held_out); }
  static void TearDownTestSuite() { remove_runs(); }
  void SetUp() override {
    TinyRunTest::SetUp();
    emulation::global_memory().forget_peak();
    const emulation::TorchOnEmulatedGpu torch;
    needed_ = run("needed");
    bytes_needed_ = emulation::global_memory().peak_bytes();
  }
  void TearDown() override {
    emulation::global_memory().limit_to(std::numeric_limits<std::size_t>::max() / 2);
    TinyRunTest::TearDown();
  }

  static std::filesystem::path run(const std::string& name) {
    const std::filesystem::path folder = new_run(name);
    train_on_ranks(folder, 1, false, nullptr, on_gpu("one"));
    return folder;
  }

  std::filesystem::path needed_;  // a run in which LibTorch keeps no memory
  std::size_t bytes_needed_ = 0;
};

TEST_F(NativeTrainingOnAFullGpu, GoesOnToTheSameBits) {
  const emulation::TorchOnEmulatedGpu torch(emulation::FreedTensors::kAreKept);
  emulation::global_memory().forget_peak();
  const std::filesystem::path with_room = run("with_room");
  ASSERT_GT(emulation::global_memory().peak_bytes(), bytes_needed_) << "LibTorch keeps nothing";
  emulation::global_memory().limit_to(bytes_needed_);
  const std::filesystem::path full = run("full");
  for (const auto& folder : {with_room, full}) {
    EXPECT_EQ(roots_in(folder), roots_in(needed_));
    EXPECT_TRUE(read_file(folder / "run.log") == read_file(needed_ / "run.log"));
  }
}

TEST_F(NativeTrainingOnAFullGpu, EndsWithOneErrorWhereItNeedsMore) {
  const std::size_t used = emulation::global_memory().bytes_used();
  for (const std::size_t percent : {50, 75, 95}) {
    const emulation::TorchOnEmulatedGpu torch(emulation::FreedTensors::kAreKept);
    emulation::global_memory().limit_to(bytes_needed_ * percent / 100);
    try {
      run("too_much");
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kOutOfMemory) << error.what();
    }
  }
  EXPECT_EQ(emulation::global_memory().bytes_used(), used);
}

}  // namespace
}  // namespace reprise::train
