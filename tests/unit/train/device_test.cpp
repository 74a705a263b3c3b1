// A run on a GPU is the run on the CPU: the same checkpoints, the same log. The GPU is the emulated one.

#include <gmock/gmock.h>

#include <algorithm>

#include "batch.h"
#include "between_emulated_gpus.h"
#include "cpu_device.h"
#include "emulated_device.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/reading_order.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/dist/communicator.h"
#include "reprise/dist/local_group.h"
#include "reprise/train/memory_plan.h"
#include "tiny_run_fixture.h"
#include "training_model.h"

namespace reprise::train {
namespace {

using testing::HasSubstr;

/// Computes as asked on an emulated GPU, of which every rank has its own.
ComputeSettings on_emulated_gpu(int grains_per_forward, std::size_t recompute_layers = 0) {
  ComputeSettings settings;
  settings.grains_per_forward = grains_per_forward;
  settings.recompute_layers = recompute_layers;
  settings.bucket_kib = 1;  // all parts there can be; one rank has none
  settings.device = "emulated";
  settings.find_device = [](const std::string&, numerics::WorkOrder) {
    return std::shared_ptr<numerics::Device>(emulation::make_emulated_device());
  };
  return settings;
}

class TrainingOnADevice : public TinyRunTest {
 protected:
  static void SetUpTestSuite() {
    const configs::RunConfig config =
        tiny_config({"train.num_steps=4", "train.evaluation.interval=3", "train.evaluation.sequences=4"});
    make_whole_run("device", config, add_held_out);
  }
  static void TearDownTestSuite() { remove_runs(); }
};

TEST_F(TrainingOnADevice, HasTheCheckpointsAndTheLogOfTheCpu) {
  const auto folder = new_run("one_rank");
  train_on_ranks(folder, 1, false, nullptr, on_emulated_gpu(1));
  expect_whole(folder);
}

TEST_F(TrainingOnADevice, DoesNotDependOnGrainsAtOnceNorOnRecomputing) {
  const auto folder = new_run("grains");
  train_on_ranks(folder, 1, false, nullptr, on_emulated_gpu(2, 1));
  expect_whole(folder);
}

// Passes one after another, the last one of a rank with fewer grains.
TEST_F(TrainingOnADevice, ExchangesGradientsInPartsBetweenRanks) {
  const auto folder = new_run("parts");
  train_on_ranks(folder, 2, false, nullptr, on_emulated_gpu(2));
  expect_whole(folder);
}

TEST_F(TrainingOnADevice, InPartsStopsAndGoesOnWithOtherRanks) {
  const auto folder = new_run("parts_stop");
  StopAt first(2, 15);
  train_on_ranks(folder, 3, false, &first, on_emulated_gpu(1, 1));
  request_stop(0);
  train_on_ranks(folder, 2, true, nullptr, on_emulated_gpu(4));
  expect_whole(folder);
}

TEST_F(TrainingOnADevice, GoesOnFromTheCpuAndBack) {
  const auto folder = new_run("changes");
  StopAt first(1, 15);
  train_on_ranks(folder, 1, false, &first);
  request_stop(0);
  StopAt second(3, 15);
  train_on_ranks(folder, 1, true, &second, on_emulated_gpu(3));
  request_stop(0);
  train_on_ranks(folder, 2, true);
  expect_whole(folder);
}

/// Every rank's communicator moves the memory of its GPU.
std::unique_ptr<dist::Communicator> between_gpus(dist::Communicator& communicator) {
  return std::make_unique<BetweenEmulatedGpus>(communicator, emulation::kDevice);
}

// Gradients in one piece; and in parts, on ranks of which two have no grain.
TEST_F(TrainingOnADevice, ExchangesBetweenTheMemoriesOfGpus) {
  for (const auto& [ranks, bucket_kib, grains_per_forward] : {std::tuple{2, 0, 2}, {7, 1, 5}}) {
    const auto folder = new_run("between_gpus");
    ComputeSettings settings = on_emulated_gpu(grains_per_forward);
    settings.bucket_kib = bucket_kib;
    train_on_ranks(folder, ranks, false, nullptr, settings, between_gpus);
    expect_whole(folder);
  }
}

TEST_F(TrainingOnADevice, BetweenMemoriesOfGpusStopsAndGoesOnThroughThoseOfHosts) {
  const auto folder = new_run("between_gpus_stop");
  StopAt first(2, 15);
  train_on_ranks(folder, 3, false, &first, on_emulated_gpu(1), between_gpus);
  request_stop(0);
  StopAt second(3, 15);
  train_on_ranks(folder, 2, true, &second, on_emulated_gpu(2));
  request_stop(0);
  train_on_ranks(folder, 2, true, nullptr, on_emulated_gpu(2), between_gpus);
  expect_whole(folder);
}

/// Moves the memory of the rank's own GPU on rank 0 alone.
class BetweenUnlikeGpus final : public ForwardingCommunicator {
 public:
  using ForwardingCommunicator::ForwardingCommunicator;
  std::optional<int> gpu() const override { return rank() == 0 ? emulation::kDevice : emulation::kLargeDevice; }
};

TEST_F(TrainingOnADevice, ExchangesThroughTheHostsWhereARankComputesOnAnotherGpuThanItsTransport) {
  const auto folder = new_run("unlike");
  train_on_ranks(folder, 2, false, nullptr, on_emulated_gpu(2), [](dist::Communicator& communicator) {
    return std::make_unique<BetweenUnlikeGpus>(communicator);  // whose exchange of GPUs would throw
  });
  expect_whole(folder);
}

/// Trains some steps and returns what the device was asked for and what the plan says.
std::pair<double, double> memory_of(const std::filesystem::path& folder, const std::vector<std::string>& overrides,
                                    int num_ranks, int grains_per_forward, bool between) {
  configs::RunConfig config = tiny_config(overrides);
  config.mutable_runtime()->set_device("cuda");
  config.mutable_runtime()->set_grains_per_forward(static_cast<std::uint32_t>(grains_per_forward));
  config.mutable_runtime()->set_bucket_kib(1);
  std::vector<std::size_t> taken(static_cast<std::size_t>(num_ranks));
  dist::run_local_group(num_ranks, [&](dist::Communicator& of_group) {
    BetweenEmulatedGpus communicator(of_group, between ? std::optional(emulation::kDevice) : std::nullopt);
    std::shared_ptr<numerics::Device> device;
    TrainOptions options;
    options.run_dir = folder;
    options.compute = on_emulated_gpu(grains_per_forward);
    options.compute.find_device = [&](const std::string&, numerics::WorkOrder) {
      device = std::shared_ptr<numerics::Device>(emulation::make_emulated_device());
      return device;
    };
    train(config, options, communicator, no_progress());
    taken[static_cast<std::size_t>(communicator.rank())] = device->bytes_reserved();
  });
  return {static_cast<double>(*std::max_element(taken.begin(), taken.end())),
          static_cast<double>(plan_memory(config, num_ranks, 1, between).gpu)};
}

TEST_F(TrainingOnADevice, TakesTheMemoryThatWasPlanned) {
  const std::vector<std::string> wider = {"model.hidden_size=64", "model.ffn_size=160", "model.num_layers=2",
                                          "train.num_steps=1"};
  for (const auto& [ranks, grains, between] : {std::tuple{1, 2, false}, {1, 5, false}, {3, 1, true}}) {
    const auto [taken, planned] = memory_of(new_run("memory"), wider, ranks, grains, between);
    EXPECT_LT(taken, 1.1 * planned) << ranks << " ranks, " << grains << " grains, between GPUs: " << between;
    EXPECT_GT(taken, 0.6 * planned) << ranks << " ranks, " << grains << " grains, between GPUs: " << between;
  }
}

/// Counts what comes to the host.
class CountsReads final : public numerics::CpuDevice {
 public:
  void read(void* to_host, const void* from, std::size_t num_bytes) override {
    bytes_read += num_bytes;
    CpuDevice::read(to_host, from, num_bytes);
  }
  std::optional<int> gpu() const override { return 0; }
  std::function<void()> begin_read(void*, const void*, std::size_t) override {
    ADD_FAILURE() << "sums are copied to the host";
    return [] {};
  }
  std::size_t bytes_read = 0;
};

/// Moves its memory.
class GpuOfTheCpu final : public GpuCommunicator {
 public:
  explicit GpuOfTheCpu(dist::Communicator& inner) : GpuCommunicator(inner, 0) {}

 protected:
  void check(std::span<const std::byte>) const override {}
};

/// Trains three steps on a device, looks at the state then, and expects what comes to the host.
void expect_reads(const std::filesystem::path& run, dist::Communicator& communicator) {
  const RunIdentity identity = identify(tiny_config());
  const data::TokenSet tokens = data::TokenSet::open(run / "shards", "train");
  const data::ReadingOrder order(tokens, identity.recipe);
  const auto device = std::make_shared<CountsReads>();
  ComputeSettings settings = on_emulated_gpu(2);
  settings.find_device = [&](const std::string&, numerics::WorkOrder) { return device; };
  ThreadPool threads(1);
  TrainingModel model(identity.recipe, settings, threads, communicator);
  model.initialize(identity);
  const auto state_elements = model.layout().num_elements() + 2 * model.slice().size() * kChunkElements;
  const auto state_bytes = static_cast<std::size_t>(state_elements) * sizeof(float);
  Batch batch;
  device->bytes_read = 0;
  for (std::uint64_t step = 1; step <= 3; ++step) {
    read_batch(order, model.header().next_sample, order.plan().sequences(step), batch);
    model.run_step(step, batch);
  }
  EXPECT_LT(device->bytes_read, state_bytes / 50);  // losses, sums of squares, digests
  // A checkpoint looks at the slice, an observer at all of it; neither brings again what is there.
  const ChunkRange slice = model.slice(), all{0, model.layout().num_chunks()};
  const std::size_t slice_bytes = static_cast<std::size_t>(slice.size() * kChunkElements) * sizeof(float);
  device->bytes_read = 0;
  const std::span<const float> weights = model.state_of_slice().weights;
  EXPECT_EQ(device->bytes_read, 3 * slice_bytes);
  const std::vector<Digest>& digests = model.digests().weights;
  EXPECT_EQ(
      chunk_digests(model.layout(), slice, weights.subspan(static_cast<std::size_t>(slice.begin * kChunkElements))),
      std::vector<Digest>(digests.begin() + slice.begin, digests.begin() + slice.end));
  device->bytes_read = 0;
  EXPECT_EQ(chunk_digests(model.layout(), all, model.state().weights), digests);
  model.state();
  EXPECT_EQ(device->bytes_read, slice.size() == all.size() ? 0 : state_bytes - 2 * slice_bytes);
}

TEST_F(TrainingOnADevice, BringsTheStateToTheHostOnlyForWhoeverLooks) {
  const auto folder = new_run("reads");
  expect_reads(folder, *dist::make_local_communicator());
  dist::run_local_group(2, [&](dist::Communicator& communicator) {
    GpuOfTheCpu between(communicator);
    expect_reads(folder, between);
  });
}

TEST(FindGpu, NamesWhatIsNoDevice) {
  const auto communicator = dist::make_local_communicator();
  for (const char* name : {"gpu", "cuda:", "cuda:x", "cuda:1x"}) {
    try {
      find_gpu(name, *communicator);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage) << name;
      EXPECT_THAT(error.what(), HasSubstr(name));
    }
  }
}

TEST(FindGpu, SaysWhenThereIsNone) {
  if (numerics::num_cuda_devices() > 0) GTEST_SKIP() << "there is one";
  const auto communicator = dist::make_local_communicator();
  try {
    find_gpu("cuda", *communicator);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDevice);
    EXPECT_THAT(error.hint(), HasSubstr("cuda"));
  }
}

TEST(ConfigOfADevice, IsCheckedWithTheRest) {
  EXPECT_NO_THROW(tiny_config({"runtime.device=cuda:3"}));
  try {
    tiny_config({"runtime.device=tpu"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("runtime.device"));
    EXPECT_THAT(error.what(), HasSubstr("tpu"));
  }
}

}  // namespace
}  // namespace reprise::train
