// Recipes that change what a step does, on GPUs: batches that grow, steps that are left out, ranks without grains. The
// runs are those of the CPU. The GPUs are emulated ones, whose memory only they may touch.

#include <gtest/gtest.h>

#include "emulated_device.h"
#include "emulated_memory.h"
#include "forwarding_communicator.h"
#include "reprise/core/error.h"
#include "reprise/dist/local_group.h"
#include "tiny_run_fixture.h"

namespace reprise::train {
namespace {

/// Stops what lies in a GPU's memory, which a transport cannot read.
class HostMemoryOnly final : public ForwardingCommunicator {
 public:
  using ForwardingCommunicator::ForwardingCommunicator;
  void all_to_all(std::span<const std::span<const std::byte>> send,
                  std::span<const std::span<std::byte>> receive) override {
    for (const auto& bytes : send) check(bytes);
    for (const auto& bytes : receive) check(bytes);
    ForwardingCommunicator::all_to_all(send, receive);
  }
  void all_gather(std::span<const std::byte> mine, std::span<const std::span<std::byte>> receive) override {
    check(mine);
    for (const auto& bytes : receive) check(bytes);
    ForwardingCommunicator::all_gather(mine, receive);
  }

 private:
  static void check(std::span<const std::byte> bytes) {
    const std::lock_guard lock(emulation::one_at_a_time());
    REPRISE_CHECK(bytes.empty() || !emulation::global_memory().holds(bytes.data(), 1));
  }
};

class RecipesOnADevice : public TinyRunTest {
 protected:
  static void SetUpTestSuite() { make_whole_run("device_recipes", config()); }
  static void TearDownTestSuite() { remove_runs(); }

  /// Steps of one grain, of three and of five; the loss or the norm of every few is above a small deviation.
  static configs::RunConfig config() {
    configs::RunConfig config =
        tiny_config({"train.num_steps=9", "train.spike_skipping.window=4", "train.spike_skipping.sigma=0.05"});
    for (const std::uint32_t sequences : {2u, 6u}) {
      configs::BatchSize& size = *config.mutable_recipe()->mutable_train()->add_batch_warmup();
      size.set_sequences(sequences);
      size.set_steps(3);
    }
    return config;
  }

  static void train_on_gpus(const std::filesystem::path& folder, int num_ranks, int grains_per_forward, int bucket_kib,
                            ProgressSink* progress = nullptr, bool resume = false) {
    ComputeSettings settings;
    settings.grains_per_forward = grains_per_forward;
    settings.bucket_kib = bucket_kib;
    settings.device = "emulated";
    settings.find_device = [](const std::string&, numerics::WorkOrder) {
      return std::shared_ptr<numerics::Device>(emulation::make_emulated_device());
    };
    dist::run_local_group(num_ranks, [&](dist::Communicator& communicator) {
      HostMemoryOnly checked(communicator);
      TrainOptions options;
      options.run_dir = folder;
      options.compute = settings;
      options.resume = resume;
      options.program.command_line = {"train_tiny"};
      train(config(), options, checked, progress != nullptr && communicator.rank() == 0 ? *progress : no_progress());
    });
  }
};

TEST_F(RecipesOnADevice, SkipStepsHere) {
  int skipped = 0;
  for (const logs::StepRecord& step : steps()) skipped += step.skipped ? 1 : 0;
  EXPECT_GE(skipped, 1);
  EXPECT_LE(skipped, 6);
}

TEST_F(RecipesOnADevice, GiveTheRunOfTheCpuOnOneRank) {
  const auto folder = new_run("one");
  train_on_gpus(folder, 1, 3, 0);
  expect_whole(folder);
}

TEST_F(RecipesOnADevice, GiveItOnSeveralOfWhichSomeHaveNoGrain) {
  const auto whole_gradients = new_run("whole_gradients");
  train_on_gpus(whole_gradients, 2, 2, 0);
  expect_whole(whole_gradients);
  const auto parts = new_run("parts");
  train_on_gpus(parts, 3, 2, 1);
  expect_whole(parts);
}

TEST_F(RecipesOnADevice, GiveItBehindAStopInAStageOnOtherRanks) {
  const auto folder = new_run("stop");
  StopAt stop(4, 15);
  train_on_gpus(folder, 2, 1, 0, &stop);
  request_stop(0);
  train_on_gpus(folder, 1, 5, 0, nullptr, true);
  expect_whole(folder);
}

}  // namespace
}  // namespace reprise::train
