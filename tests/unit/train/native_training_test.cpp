// A run in the native profile: the same roots on one machine for any number of ranks and threads and after a stop.
#include <gtest/gtest.h>
#include <unistd.h>

#include "batch.h"
#include "native_device.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/stop.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/reading_order.h"
#include "reprise/dist/local_group.h"
#include "reprise/logs/run_log.h"
#include "reprise/logs/session_log.h"
#include "reprise/native_ops/cpu.h"
#include "run_folder.h"
#include "tiny_run.h"
#include "training_model.h"

namespace reprise::train {
namespace {

struct Profile {
  const char* name;
  std::vector<std::string> options;
};

configs::RunConfig config_of(const Profile& profile) {
  std::vector<std::string> overrides = {"recipe.numerics=\"native\""};
  overrides.insert(overrides.end(), profile.options.begin(), profile.options.end());
  return tiny_config(overrides);
}

class NativeTraining : public testing::TestWithParam<Profile> {
 protected:
  static std::filesystem::path scratch() {
    return std::filesystem::temp_directory_path() / fmt::format("reprise_native_{}", ::getpid());
  }
  static void SetUpTestSuite() {
    std::filesystem::remove_all(scratch());
    make_tiny_data(scratch() / "data");
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(scratch()); }
  void SetUp() override {
    request_stop(0);
    whole_ = copy_of_data("whole");
    train_tiny(whole_, 1, false, config_of(GetParam()));
  }
  void TearDown() override { request_stop(0); }

  static std::filesystem::path copy_of_data(const std::string& name) {
    const std::filesystem::path folder = scratch() / name;
    std::filesystem::remove_all(folder);
    std::filesystem::copy(scratch() / "data", folder, std::filesystem::copy_options::recursive);
    return folder;
  }
  void expect_whole(const std::filesystem::path& folder, const std::string& what) const {
    EXPECT_EQ(roots_in(folder), roots_in(whole_)) << what;
    EXPECT_TRUE(read_file(folder / "run.log") == read_file(whole_ / "run.log")) << what;
  }

  std::filesystem::path whole_;
};

TEST_P(NativeTraining, GivesTheSameRootsAndLogWithAnyNumberOfThreads) {
  for (const int threads : {2, 3}) {
    const auto folder = copy_of_data("threads");
    train_tiny(folder, threads, false, config_of(GetParam()));
    expect_whole(folder, fmt::format("{} threads", threads));
  }
}

/// State digests of the first steps as one rank sees them.
std::vector<Digest> states_of_rank(const configs::RunConfig& config, const std::filesystem::path& folder,
                                   dist::Communicator& communicator) {
  const RunIdentity identity = identify(config);
  const data::TokenSet tokens = data::TokenSet::open(folder / "shards", "train");
  const data::ReadingOrder order(tokens, identity.recipe);
  ThreadPool threads(2);
  TrainingModel model(identity.recipe, {}, threads, communicator);
  model.initialize(identity);
  std::vector<Digest> states;
  Batch batch;
  for (std::uint64_t step = 1; step <= 4; ++step) {
    read_batch(order, model.header().next_sample, order.plan().sequences(step), batch);
    states.push_back(model.run_step(step, batch).record.state);
  }
  return states;
}

TEST_P(NativeTraining, GivesTheSameStatesWithAnyNumberOfRanks) {
  const logs::RunLog log = logs::read_run_log(whole_ / "run.log");
  std::vector<Digest> expected;
  for (const logs::RunRecord& record : log.records) {
    if (record.step && expected.size() < 4) expected.push_back(record.step->state);
  }
  for (const int ranks : {1, 2, 3}) {
    dist::run_local_group(ranks, [&](dist::Communicator& communicator) {
      EXPECT_EQ(states_of_rank(config_of(GetParam()), scratch() / "data", communicator), expected) << ranks;
    });
  }
}

TEST_P(NativeTraining, StopsOnASignalAndResumesToTheSameBits) {
  const auto folder = copy_of_data("stopped");
  StopAt stop(4, 15);
  EXPECT_EQ(train_tiny(folder, 2, false, config_of(GetParam()), &stop).last_step, 5u);
  request_stop(0);
  EXPECT_EQ(train_tiny(folder, 1, true, config_of(GetParam())).first_step, 5u);
  expect_whole(folder, "resumed");
}

TEST_P(NativeTraining, HasTheLossesOfTheExactProfileToFewDigits) {
  const auto folder = copy_of_data("exact");
  train_tiny(folder, 1, false);
  const logs::RunLog exact = logs::read_run_log(folder / "run.log");
  const logs::RunLog native = logs::read_run_log(whole_ / "run.log");
  ASSERT_EQ(native.records.size(), exact.records.size());
  int steps = 0;
  for (std::size_t i = 0; i < exact.records.size(); ++i) {
    if (!exact.records[i].step) continue;
    ++steps;
    EXPECT_NEAR(native.records[i].step->loss, exact.records[i].step->loss, 1e-3) << "step " << steps;
    EXPECT_NE(native.records[i].step->state, exact.records[i].step->state) << "step " << steps;
  }
  EXPECT_EQ(steps, 12);
}

// The batch is 10 sequences in grains of 2.
INSTANTIATE_TEST_SUITE_P(Options, NativeTraining,
                         testing::Values(Profile{"Default", {}},
                                         Profile{"TwoThreadsPerGrain", {"native.threads_per_grain=2"}},
                                         Profile{"FiveGrainsPerForward", {"native.grains_per_forward=5"}},
                                         Profile{"Bfloat16", {"native.dtype=\"bfloat16\""}}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(NativeRecipe, IsComputedByOneKindOfDeviceAndTakesTheLogsOfOlderVersions) {
  EXPECT_EQ(native_ops::cpu_description().rfind("cpu, LibTorch ", 0), 0u) << native_ops::cpu_description();
  const auto log = std::filesystem::temp_directory_path() / fmt::format("reprise_native_cpu_{}.log", ::getpid());
  const configs::Recipe recipe = configs::resolve(config_of({"", {}})).recipe();
  const auto resume_on = [&](const std::string& before, const std::string& now) {
    std::filesystem::remove(log);
    logs::SessionEvent event;
    event.kind = logs::SessionEvent::Kind::kStart;
    event.facts["device"] = before;
    logs::SessionLogWriter(log).append(event);
    expect_one_kind_of_device(recipe, now, log, *dist::make_local_communicator());
  };
  EXPECT_NO_THROW(resume_on("cpu", "cpu, LibTorch 2, AVX2"));
  EXPECT_NO_THROW(resume_on("cpu, LibTorch 2, AVX2", "cpu, LibTorch 2, AVX2"));
  EXPECT_THROW(resume_on("cpu, LibTorch 2, AVX512", "cpu, LibTorch 2, AVX2"), Error);
  EXPECT_THROW(resume_on("cpu", "NVIDIA H100, LibTorch 2"), Error);
  const std::string gpu = "NVIDIA H100, LibTorch 2, cuBLAS workspace :16:8";
  EXPECT_NO_THROW(resume_on(gpu, gpu + ", 132 multiprocessors"));
  EXPECT_THROW(resume_on(gpu + ", 132 multiprocessors", gpu + ", 66 multiprocessors"), Error);
  EXPECT_THROW(resume_on("NVIDIA H100, LibTorch 2, cuBLAS workspace :1", gpu + ", 132 multiprocessors"), Error);
  std::filesystem::remove(log);
  const auto fail_on_different_ranks = [&] {
    dist::run_local_group(2, [&](dist::Communicator& communicator) {
      const std::string mine = communicator.rank() == 0 ? "cpu, LibTorch 2, AVX512" : "cpu, LibTorch 2, AVX2";
      expect_one_kind_of_device(recipe, mine, {}, communicator);
    });
  };
  EXPECT_THROW(fail_on_different_ranks(), Error);
}

TEST(NativeRecipe, GrainsOfOneForwardAreOneGrainOfTheLog) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("reprise_native_leaf_{}", ::getpid());
  std::filesystem::remove_all(folder);
  make_tiny_data(folder);
  train_tiny(folder, 2, false, config_of({"", {"native.grains_per_forward=5"}}));
  const logs::RunLog log = logs::read_run_log(folder / "run.log");
  EXPECT_EQ(log.records.front().header->num_grains, 1u);
  for (const logs::RunRecord& record : log.records) {
    if (record.step) {
      EXPECT_EQ(record.step->grain_losses.size(), 1u);
    }
  }
  std::filesystem::remove_all(folder);
}

TEST(NativeRecipe, GrainsPerForwardOfTheRuntimeChangesNothing) {
  const auto scratch = std::filesystem::temp_directory_path() / fmt::format("reprise_native_forward_{}", ::getpid());
  std::vector<std::vector<std::string>> roots;
  for (const int grains_per_forward : {1, 3}) {
    std::filesystem::remove_all(scratch);
    make_tiny_data(scratch);
    TrainOptions options;
    options.run_dir = scratch;
    options.compute.grains_per_forward = grains_per_forward;
    options.program.command_line = {"native"};
    train(config_of({"", {}}), options, *dist::make_local_communicator(), no_progress());
    roots.push_back(roots_in(scratch));
  }
  EXPECT_EQ(roots[0], roots[1]);
  std::filesystem::remove_all(scratch);
}

}  // namespace
}  // namespace reprise::train
