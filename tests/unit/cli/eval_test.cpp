// What eval prints of a run, and what it refuses before it computes anything.

#include "program.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

/// The small run, trained: checkpoints every 2 steps and at powers of two.
class Eval : public ProgramTest {
 protected:
  void train() const {
    copy_prepared_run(run());
    const Outcome trained = run_reprise({"train", small_config(), "--out", run(), "--quiet"});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  std::string run() const { return (folder_ / "run").string(); }
};

TEST_F(Eval, CountsASubtaskNamedAllInTheMeanOverSubtasks) {
  train();
  const std::filesystem::path blimp = folder_ / "blimp";
  make_folders(blimp);
  const std::string same = R"({"sentence_good": "a b", "sentence_bad": "a b"})";  // a tie is wrong
  const std::string pair = R"({"sentence_good": "a", "sentence_bad": "a zqxj zqxj"})";
  write_file_atomically(blimp / "all.jsonl", pair);
  write_file_atomically(blimp / "other.jsonl", same);
  const Outcome scored = run_reprise({"eval", run(), "--tasks", "blimp", "--data", blimp.string(), "--json"});
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  const json result = json::parse(scored.out)["blimp"];
  EXPECT_EQ(result["subtasks"].size(), 3u);
  EXPECT_EQ(result["num_subtasks"], 2);
  EXPECT_EQ(result["mean_accuracy"], 0.5) << result.dump(1);
}

/// A folder with a recipe and no data: whatever is computed first fails on something else.
class EvalBeforeAnythingIsScored : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    make_folders(run_ / "checkpoints");
    std::filesystem::copy_file(small_config(), run_ / "recipe.pbtxt");
    write_file_atomically(run_ / "checkpoints" / "step-000000.h5", "");
  }
  void expect_error(const std::vector<std::string>& more, int exit_code, const std::vector<std::string>& parts) const {
    std::vector<std::string> arguments = {"eval", run_.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_reprise(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    for (const std::string& part : parts) EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  }
  const std::filesystem::path& run_ = folder_;
};

TEST_F(EvalBeforeAnythingIsScored, NamesAMissingCheckpointAndWhatMakesIt) {
  expect_error({"--checkpoints", "0,7"}, 4, {"no checkpoint of step 7", "step-000007.h5", "train --resume"});
}

TEST_F(EvalBeforeAnythingIsScored, RefusesAFolderOfBlimpThatNoTaskReads) {
  expect_error({"--data", "blimp"}, 2, {"--data blimp", "--tasks blimp"});
}

TEST_F(EvalBeforeAnythingIsScored, RefusesADamagedResultsFile) {
  make_folders(run_ / "eval");
  write_file_atomically(run_ / "eval" / "results.json", "{");
  expect_error({"--checkpoints", "0"}, 4, {"results.json"});
}

}  // namespace
}  // namespace reprise::cli_test
