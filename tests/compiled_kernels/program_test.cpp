// The program itself, as nvcc and the C++ compiler made it, on GPUs whose kernels are executed from their PTX: a run on
// them is the run of the CPU. docs/reference/gpu.md, "The first time on a GPU", steps 11 to 15.

#include "program.h"

#include <filesystem>
#include <string>
#include <vector>

#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

Outcome run_on_ptx(const Words& arguments, const Words& environment = {}) {
  return run_program(fs::path(REPRISE_BINARY_DIR) / "tests/reprise_on_ptx", arguments, environment);
}

class ProgramOnGpus : public ProgramTest {
 protected:
  /// Trains in a folder of its own and returns it.
  fs::path train(const std::string& name, const Words& flags, const Words& environment = {}) {
    const fs::path run = folder_ / name;
    copy_prepared_run(run);
    Words arguments = {"train", small_config(), "--out", run.string(), "--threads", "1"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome outcome = run_on_ptx(arguments, environment);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return run;
  }

  /// Where the ranks' sums and weights lay when they were exchanged.
  static std::string exchange_of(const fs::path& run) {
    const Outcome shown = run_on_ptx({"log", "show", run.string(), "--session", "--json"});
    return nlohmann::json::parse(shown.out)[0]["facts"].value("exchange", "");
  }

  void expect_same(const fs::path& run, const fs::path& other) {
    const Words roots = checkpoint_roots(other);
    EXPECT_FALSE(roots.empty());
    EXPECT_EQ(checkpoint_roots(run), roots);
    EXPECT_EQ(read_file(run / "run.log"), read_file(other / "run.log"));
  }
};

TEST_F(ProgramOnGpus, TrainsToTheRootsAndTheLogOfTheCpu) {
  const fs::path cpu = train("cpu", {"--set", "runtime.device=cpu"});
  expect_same(train("gpu", {"--set", "runtime.device=cuda"}), cpu);
  expect_same(train("named", {"--set", "runtime.device=cuda:1", "--set", "runtime.recompute_layers=1"}), cpu);
}

TEST_F(ProgramOnGpus, TrainsOnTwoOfThemWithGradientsInParts) {
  const fs::path cpu = train("cpu", {"--set", "runtime.device=cpu"});
  for (const char* const streams : {"late", "ahead"}) {  // work_stream.h
    const fs::path gpus =
        train(streams, {"--ranks", "2", "--set", "runtime.device=cuda", "--set", "runtime.bucket_kib=16"},
              {std::string("REPRISE_EMULATION_STREAMS=") + streams});
    expect_same(gpus, cpu);
    EXPECT_EQ(exchange_of(gpus), "hosts");
  }
}

TEST_F(ProgramOnGpus, TrainsOnOneAndOnTwoBetweenWhoseMemoriesNcclMoves) {
  const std::string library = REPRISE_BINARY_DIR "/tests/libnccl_double.so";
  if (!fs::exists(library)) GTEST_SKIP() << "built without nccl.h";
  // The double takes the address of any memory for a GPU's; that of the host faults where a kernel uses it.
  const Words nccl = {"REPRISE_BACKEND=nccl", "REPRISE_NCCL_LIBRARY=" + library, "REPRISE_CUDART_LIBRARY=" + library,
                      "NCCL_DOUBLE_FOLDER=" + folder_.string(), "NCCL_DOUBLE_OTHER_MEMORY=1"};
  const fs::path cpu = train("cpu", {"--set", "runtime.device=cpu"});
  expect_same(train("gpu", {"--set", "runtime.device=cuda"}, nccl), cpu);
  const Words on_gpus = {"--ranks", "2", "--set", "runtime.device=cuda"};
  const fs::path gpus = train("gpus", on_gpus, nccl);
  expect_same(gpus, cpu);
  EXPECT_EQ(exchange_of(gpus), "gpus");
  Words in_parts = on_gpus;
  in_parts.insert(in_parts.end(), {"--set", "runtime.bucket_kib=16"});
  expect_same(train("parts", in_parts, nccl), cpu);
}

TEST_F(ProgramOnGpus, EvaluatesWithTheFiguresOfTheCpu) {
  const fs::path run = train("run", {"--set", "runtime.device=cpu"});
  const Outcome cpu = run_on_ptx({"eval", run.string(), "--json"});
  const Outcome gpu = run_on_ptx({"eval", run.string(), "--device", "cuda", "--json"});
  ASSERT_EQ(gpu.exit_code, 0) << gpu.err;
  ASSERT_FALSE(cpu.out.empty());
  EXPECT_EQ(gpu.out, cpu.out);
}

TEST_F(ProgramOnGpus, ReplaysAStepToTheStateOfTheCpu) {
  const fs::path run = train("run", {"--set", "runtime.device=cpu"});
  const auto state_of_step_9 = [&](const std::string& device) {
    const Outcome made = run_on_ptx({"checkpoint", "materialize", run.string(), "--step", "9", "--device", device,
                                     "--out", (folder_ / (device + ".h5")).string(), "--json", "--quiet"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return nlohmann::json::parse(made.out)["state"].dump();
  };
  EXPECT_EQ(state_of_step_9("cuda"), state_of_step_9("cpu"));
}

TEST_F(ProgramOnGpus, DescribesEachOfThemAlsoOneThatCannotBeUsed) {
  const Outcome outcome = run_on_ptx({"doctor", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto gpus = nlohmann::json::parse(outcome.out)["gpus"].get<Words>();
  ASSERT_EQ(gpus.size(), 4u);
  EXPECT_EQ(gpus[0].find("PTX on the host, compute capability 9.0"), 0u) << gpus[0];
  EXPECT_EQ(gpus[3].find("cannot be used: "), 0u) << gpus[3];
  EXPECT_NE(gpus[3].find("can have 64 KiB of shared memory, and needs 99"), std::string::npos) << gpus[3];
}

TEST_F(ProgramOnGpus, NamesTheGpusThereAreWhereOneIsMissing) {
  copy_prepared_run(folder_ / "run");
  const Outcome outcome =
      run_on_ptx({"train", small_config(), "--out", (folder_ / "run").string(), "--set", "runtime.device=cuda:7"});
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_NE(outcome.err.find("there is no GPU 7: the CUDA runtime sees 4"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace reprise::cli_test
