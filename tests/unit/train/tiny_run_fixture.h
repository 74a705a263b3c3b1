#pragma once
// The fixture of tests that compare runs of one config with one another.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reprise/core/stop.h"
#include "reprise/dist/communicator.h"
#include "reprise/logs/run_log.h"
#include "tiny_run.h"

namespace reprise::train {

/// A folder with data, and one whole run of a config that other runs are compared with.
class TinyRunTest : public testing::Test {
 protected:
  /// For SetUpTestSuite; where a suite has several of them, for SetUp: a run that was made under `name` is taken again.
  /// `prepare` may change the data before the run.
  static void make_whole_run(const std::string& name, const configs::RunConfig& config,
                             const std::function<void(const std::filesystem::path& data)>& prepare = {});
  /// For TearDownTestSuite.
  static void remove_runs();
  void SetUp() override { request_stop(0); }
  void TearDown() override { request_stop(0); }

  /// Returns a new folder with the data alone.
  static std::filesystem::path new_run(const std::string& name) { return copy_of_run(scratch() / "data", name); }
  static std::filesystem::path copy_of_run(const std::filesystem::path& from, const std::string& name);
  /// A folder for what a test writes.
  static const std::filesystem::path& scratch() { return made_->scratch; }
  static const std::filesystem::path& whole_run() { return made_->whole; }
  static const TrainSummary& summary() { return made_->summary; }
  /// The step records of the whole run.
  static std::vector<logs::StepRecord> steps();

  using WrapCommunicator = std::function<std::unique_ptr<dist::Communicator>(dist::Communicator&)>;
  /// Trains the whole run's config with ranks of this process, two threads each. Progress is rank 0's. `wrap`: puts
  /// another communicator over each rank's.
  static void train_on_ranks(const std::filesystem::path& folder, int num_ranks, bool resume,
                             ProgressSink* progress = nullptr, const ComputeSettings& compute = {},
                             const WrapCommunicator& wrap = {});
  /// Expects that the whole run's log and the headers of its checkpoints follow from its recipe.
  static void expect_log_of_recipe();
  /// Expects the roots and the bytes of run.log of the whole run.
  static void expect_whole(const std::filesystem::path& folder);

 private:
  struct Made {
    std::filesystem::path scratch, whole;
    configs::RunConfig config;
    TrainSummary summary;
  };
  static inline std::map<std::string, Made> all_made_;
  static inline Made* made_ = nullptr;
};

}  // namespace reprise::train
