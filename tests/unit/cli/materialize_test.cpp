// Any step of a run by replay, and the first difference between two runs.

#include <fmt/core.h>

#include <fstream>
#include <map>

#include "program.h"
#include "reprise/core/files.h"
#include "reprise/core/scratch_folder.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

/// A finished small run: 24 steps, checkpoints at powers of two and every 2, moments every 6.
class Materialize : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    run_ = folder_ / "run";
    copy_trained_run(run_);
  }

  Outcome make(int step, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "checkpoint", "materialize",       run_.string(), "--step", std::to_string(step),
        "--out",      file(step).string(), "--json",      "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_reprise(arguments);
  }
  std::filesystem::path file(int step) const { return folder_ / fmt::format("made-{}.h5", step); }

  json log() const { return json::parse(run_reprise({"log", "show", run_.string(), "--json"}).out); }

  std::filesystem::path run_;
};

std::map<std::string, std::string> tree(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().string()] = read_file(entry.path());
  }
  return files;
}

TEST_F(Materialize, GivesAnyStepTheStateInTheLogAndLeavesTheRunAlone) {
  const auto before = tree(run_);
  const json steps = log()["steps"];
  for (const int step : {1, 5, 9, 12, 23, 24}) {
    const Outcome outcome = make(step, {"--threads", std::to_string(1 + step % 3)});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const json made = json::parse(outcome.out);
    EXPECT_EQ(made["state"], steps[static_cast<std::size_t>(step - 1)]["state"]) << step;
    EXPECT_EQ(made["replayed_steps"], step % 6) << step;
    EXPECT_TRUE(std::filesystem::exists(file(step)));
    EXPECT_FALSE(std::filesystem::exists(scratch_path(file(step))));
  }
  EXPECT_EQ(tree(run_), before);
}

TEST_F(Materialize, GivesAStoredStepTheRootThatItHasAndItsMoments) {
  const json listed = json::parse(run_reprise({"checkpoint", "list", "--json", run_.string()}).out);
  for (const json& entry : listed) {
    const int step = entry["step"].get<int>();
    if (step != 8 && step != 16) continue;
    EXPECT_EQ(entry["has_moments"], false);
    EXPECT_EQ(json::parse(make(step).out)["root"], entry["root"]);
    EXPECT_GT(std::filesystem::file_size(file(step)), 2 * entry["bytes"].get<std::uintmax_t>());
  }
}

TEST_F(Materialize, PassesOverADamagedCheckpoint) {
  const auto path = run_ / "checkpoints" / "step-000006.h5";
  std::fstream damaged(path, std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
  damaged << "damage";
  damaged.close();
  const Outcome outcome = make(8);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(json::parse(outcome.out)["from"], "step-000000.h5");
  EXPECT_EQ(json::parse(outcome.out)["replayed_steps"], 8);
}

TEST_F(Materialize, RefusesAStepThatTheLogDoesNotHold) {
  const Outcome outcome = make(25);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("ends at step 24"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("hint:"), std::string::npos) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(file(25)));
}

TEST_F(Materialize, AverageOfEveryStepIsThatOfTheMaterializedSteps) {
  const Outcome made = run_reprise({"checkpoint", "ema", run_.string(), "--decay", "0.7", "--from", "7", "--to", "10",
                                    "--out", (folder_ / "ema.h5").string(), "--threads", "2", "--json", "--quiet"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  std::vector<std::string> arguments = {"checkpoint", "average"};
  for (int step = 7; step <= 10; ++step) {
    ASSERT_EQ(make(step).exit_code, 0);
    arguments.push_back(file(step).string());
  }
  arguments.insert(arguments.end(), {"--ema", "0.7", "--out", (folder_ / "again.h5").string(), "--json"});
  const Outcome again = run_reprise(arguments);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(json::parse(made.out)["steps"], 4);
  EXPECT_EQ(json::parse(made.out)["root"], json::parse(again.out)["root"]);
}

TEST_F(Materialize, LogDiffSaysThatARunIsItself) {
  const Outcome outcome = run_reprise({"log", "diff", run_.string(), run_.string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("24 step(s) are the same"), std::string::npos) << outcome.out;
}

TEST_F(Materialize, LogDiffNamesTheFirstStepThatDiffersAndHow) {
  const auto other = folder_ / "other";
  copy_prepared_run(other);
  const Outcome trained = run_reprise({"train", small_config(), "--set", "train.learning_rate.warmup_steps=3", "--out",
                                       other.string(), "--threads", "2"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const Outcome outcome = run_reprise({"log", "diff", run_.string(), other.string(), "--json"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  const json difference = json::parse(outcome.out);
  EXPECT_EQ(difference["header"][0]["field"], "recipe_hash");
  EXPECT_EQ(difference["first_step"], 1);
  EXPECT_EQ(difference["fields"][0]["field"], "learning_rate");
  EXPECT_EQ(difference["fields"][1]["field"], "state");
  EXPECT_EQ(difference["fields"].size(), 2u);
}

}  // namespace
}  // namespace reprise::cli_test
