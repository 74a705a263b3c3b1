// A run in the native profile on a GPU: the same roots and log there for any number of ranks and after a stop, whatever
// is recomputed and however the gradient is divided. The GPU is the emulated one, and LibTorch's CPU is LibTorch there.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "between_emulated_gpus.h"
#include "emulated_memory.h"
#include "emulated_torch.h"
#include "native_on_gpu.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/progress.h"
#include "reprise/dist/local_group.h"
#include "reprise/train/materialize.h"
#include "reprise/train/memory_plan.h"
#include "tiny_run_fixture.h"

namespace reprise::train {
namespace {

configs::RunConfig config_of(std::vector<std::string> overrides) {
  overrides.insert(overrides.begin(), {"recipe.numerics=\"native\"", "train.num_steps=3", "train.evaluation.interval=2",
                                       "train.evaluation.sequences=8"});
  return tiny_config(overrides);
}

struct Options {
  const char* name;
  std::vector<std::string> overrides;
};

class NativeTrainingOnADevice : public TinyRunTest, public testing::WithParamInterface<Options> {
 protected:
  /// The runs of each option are made once.
  void SetUp() override {
    TinyRunTest::SetUp();
    const std::string name = std::string("native_device_") + GetParam().name;
    make_whole_run(name, config_of(GetParam().overrides), add_held_out);
    one_rank_ = scratch() / "one_rank";
    if (std::filesystem::exists(one_rank_)) return;
    train_on_ranks(new_run("one_rank"), 1, false, nullptr, on_gpu("one"));
  }
  static void TearDownTestSuite() { remove_runs(); }

  void expect_run_of_one_rank(const std::filesystem::path& folder, const std::string& what) const {
    EXPECT_EQ(roots_in(folder), roots_in(one_rank_)) << what;
    EXPECT_TRUE(read_file(folder / "run.log") == read_file(one_rank_ / "run.log")) << what;
  }
  static std::vector<logs::StepRecord> steps_of(const std::filesystem::path& folder) {
    std::vector<logs::StepRecord> steps;
    for (const logs::RunRecord& record : logs::read_run_log(folder / "run.log").records) {
      if (record.step) steps.push_back(*record.step);
    }
    return steps;
  }

  emulation::TorchOnEmulatedGpu torch_;
  std::filesystem::path one_rank_;
};

// The batch is 10 sequences in grains of 2.
INSTANTIATE_TEST_SUITE_P(
    Options, NativeTrainingOnADevice,
    testing::Values(Options{"Float32", {"native.dtype=\"float32\""}},
                    Options{"FiveGrainsPerForward", {"native.dtype=\"bfloat16\"", "native.grains_per_forward=5"}},
                    Options{"DocumentMask", {"native.dtype=\"bfloat16\"", "train.document_mask=true"}}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_P(NativeTrainingOnADevice, GivesTheSameRootsAndLogWithAnyNumberOfRanksPartsAndRecomputedLayers) {
  for (const auto& [ranks, bucket_kib, recompute_layers] : {std::tuple{2, 1, 0u}, std::tuple{3, 0, 1u}}) {
    const auto folder = new_run("ranks");
    train_on_ranks(folder, ranks, false, nullptr, on_gpu("one", bucket_kib, recompute_layers));
    expect_run_of_one_rank(folder, fmt::format("{} ranks, {} KiB", ranks, bucket_kib));
  }
}

TEST_P(NativeTrainingOnADevice, StopsAndResumesToTheSameBits) {
  const auto folder = new_run("stopped");
  StopAt stop(2, 15);
  train_on_ranks(folder, 1, false, &stop, on_gpu("one"));
  request_stop(0);
  train_on_ranks(folder, 2, true, nullptr, on_gpu("one"));
  expect_run_of_one_rank(folder, "resumed");
}

TEST_P(NativeTrainingOnADevice, HasTheLossesOfTheHostToFewDigits) {
  const std::vector<logs::StepRecord> host = steps_of(whole_run()), device = steps_of(one_rank_);
  ASSERT_EQ(host.size(), 3u);
  ASSERT_EQ(device.size(), host.size());
  for (std::size_t step = 0; step < host.size(); ++step) {
    EXPECT_NEAR(device[step].loss, host[step].loss, 1e-3) << "step " << step + 1;
    EXPECT_NE(device[step].state, host[step].state) << "step " << step + 1;
  }
}

TEST_P(NativeTrainingOnADevice, TakesTheMemoryThatWasPlanned) {
  const std::vector<std::string> wider = {"model.hidden_size=64", "model.ffn_size=160", "model.num_layers=2",
                                          "train.num_steps=1"};
  std::vector<std::string> overrides = GetParam().overrides;
  overrides.insert(overrides.end(), wider.begin(), wider.end());
  configs::RunConfig config = config_of(overrides);
  make_whole_run(std::string("native_device_wider_") + GetParam().name, config, add_held_out);
  config.mutable_runtime()->set_device("cuda");
  emulation::global_memory().forget_peak();
  const std::size_t before = emulation::global_memory().bytes_used();
  train_on_ranks(new_run("memory"), 1, false, nullptr, on_gpu("one"));
  const auto taken = static_cast<double>(emulation::global_memory().peak_bytes() - before);
  const auto planned = static_cast<double>(plan_memory(config, 1, 1).gpu);
  EXPECT_LT(taken, 1.1 * planned);
  EXPECT_GT(taken, 0.6 * planned);
}

/// Expects an Error of `kind` with the names of both devices.
void expect_refused(const std::function<void()>& work, ErrorKind kind) {
  try {
    work();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    for (const char* device : {"one", "another"}) {
      EXPECT_NE(std::string(error.what()).find(device), std::string::npos) << error.what();
    }
  }
}

using NativeDevicesOfARun = NativeTrainingOnADevice;
INSTANTIATE_TEST_SUITE_P(Options, NativeDevicesOfARun, testing::Values(Options{"Default", {}}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST_P(NativeDevicesOfARun, AreOfOneKind) {
  const auto folder = new_run("kinds");
  expect_refused(
      [&] {
        dist::run_local_group(2, [&](dist::Communicator& communicator) {
          TrainOptions options;
          options.run_dir = folder;
          options.compute = on_gpu(communicator.rank() == 0 ? "one" : "another");
          options.program.command_line = {"kinds"};
          train(config_of({}), options, communicator, no_progress());
        });
      },
      ErrorKind::kDevice);
  StopAt stop(2, 15);
  train_on_ranks(folder, 1, false, &stop, on_gpu("one"));
  request_stop(0);
  expect_refused([&] { train_on_ranks(folder, 1, true, nullptr, on_gpu("another")); }, ErrorKind::kCheckpoint);
  EXPECT_THROW(train_on_ranks(folder, 1, true), Error) << "the CPU is another device";
  EXPECT_NO_THROW(train_on_ranks(folder, 1, true, nullptr, on_gpu("one")));
}

TEST_P(NativeDevicesOfARun, MayExchangeBetweenTheirMemories) {
  const auto folder = new_run("between_gpus");
  train_on_ranks(folder, 2, false, nullptr, on_gpu("one", 1), [](dist::Communicator& communicator) {
    return std::make_unique<BetweenEmulatedGpus>(communicator, emulation::kDevice);
  });
  expect_run_of_one_rank(folder, "between GPUs");
}

TEST_P(NativeDevicesOfARun, AreThoseOfAReplayToo) {
  MaterializeOptions options;
  options.run_dir = one_rank_;
  options.step = 2;
  options.out = scratch() / "step-2.h5";
  options.compute = on_gpu("another");
  expect_refused([&] { materialize(options, no_progress()); }, ErrorKind::kCheckpoint);
  options.compute = {};
  EXPECT_THROW(materialize(options, no_progress()), Error) << "the CPU is another device";
  options.compute = on_gpu("one");
  EXPECT_EQ(materialize(options, no_progress()).state, steps_of(one_rank_).at(1).state);
}

}  // namespace
}  // namespace reprise::train
