// The promise itself: any number of ranks and threads, the same checkpoint roots and the same run.log. Here with real
// processes and flags; tests/matrix has many more layouts within one process.

#include <fmt/core.h>

#include "program.h"
#include "reprise/core/files.h"
#include "whole_run.h"

namespace reprise::cli_test {
namespace {

struct Layout {
  int ranks;
  int threads;
  const char* target;
  int grains_per_forward = 1;
  int bucket_kib = 0;
  int recompute_layers = 0;
};

class AnyLayout : public ProgramTest, public testing::WithParamInterface<Layout> {};

TEST_P(AnyLayout, GivesTheRootsAndTheLogOfOneThread) {
  const Layout& layout = GetParam();
  const auto run = folder_ / "run";
  copy_prepared_run(run);
  std::vector<std::string> environment;
  if (layout.target != nullptr) environment.push_back(fmt::format("REPRISE_TARGET={}", layout.target));
  const Outcome outcome =
      run_reprise({"train", small_config(), "--out", run.string(), "--ranks", std::to_string(layout.ranks), "--threads",
                   std::to_string(layout.threads), "--grains-per-forward", std::to_string(layout.grains_per_forward),
                   "--set", fmt::format("runtime.bucket_kib={}", layout.bucket_kib), "--set",
                   fmt::format("runtime.recompute_layers={}", layout.recompute_layers)},
                  environment);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(checkpoint_roots(run), whole_run().roots);
  EXPECT_EQ(read_file(run / "run.log"), whole_run().run_log);
  if (layout.ranks > 1) {
    EXPECT_NE(outcome.err.find("mpirun"), std::string::npos) << "the command was not printed";
  }
}

INSTANTIATE_TEST_SUITE_P(RanksAndThreads, AnyLayout,
                         testing::Values(Layout{1, 4, nullptr}, Layout{4, 1, nullptr}, Layout{1, 1, "portable"},
                                         Layout{2, 2, nullptr, 4}, Layout{3, 2, nullptr, 1, 1, 0},
                                         Layout{2, 1, nullptr, 4, 16, 2}),
                         [](const auto& cell) {
                           return fmt::format("{}ranks_{}threads_{}grains_{}bucket_{}recompute_{}", cell.param.ranks,
                                              cell.param.threads, cell.param.grains_per_forward, cell.param.bucket_kib,
                                              cell.param.recompute_layers,
                                              cell.param.target == nullptr ? "native" : cell.param.target);
                         });

}  // namespace
}  // namespace reprise::cli_test
