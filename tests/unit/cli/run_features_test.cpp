// A recipe with parameter groups, a batch warm-up, steps left out and a held-out loss along the run
// (tests/data/features.pbtxt): the same bits however it is run, and what the program says of it.

#include <fmt/core.h>
#include <unistd.h>

#include <fstream>

#include "program.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

const std::string kConfig = "tests/data/features.pbtxt";

class RunFeatures : public ProgramTest {
 protected:
  static void SetUpTestSuite() {
    reference_ = std::filesystem::temp_directory_path() / fmt::format("reprise_features_{}", ::getpid());
    copy_prepared_run(reference_);  // data, tokenizer and shards are those of small.pbtxt
    const Outcome outcome = run_reprise({"train", kConfig, "--out", reference_.string(), "--threads", "1"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(reference_); }

  static void expect_reference(const std::filesystem::path& run) {
    EXPECT_EQ(checkpoint_roots(run), checkpoint_roots(reference_));
    EXPECT_TRUE(read_file(run / "run.log") == read_file(reference_ / "run.log"));
  }

  static inline std::filesystem::path reference_;
};

TEST_F(RunFeatures, HaveTheSameBitsOnAnyRanksThreadsAndParts) {
  const std::vector<std::vector<std::string>> layouts = {
      {"--threads", "3", "--grains-per-forward", "4"},
      {"--threads", "2", "--set", "runtime.bucket_kib=16", "--set", "runtime.recompute_layers=1"},
      {"--ranks", "2", "--threads", "1"},
      {"--ranks", "3", "--threads", "2", "--set", "runtime.bucket_kib=4"}};
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    const auto run = folder_ / fmt::format("run{}", i);
    copy_prepared_run(run);
    std::vector<std::string> arguments = {"train", kConfig, "--out", run.string()};
    arguments.insert(arguments.end(), layouts[i].begin(), layouts[i].end());
    const Outcome outcome = run_reprise(arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    expect_reference(run);
  }
}

TEST_F(RunFeatures, HaveTheSameBitsAfterAKillAndAResumeOnOtherRanks) {
  // In the warm-up of the batch and behind spikes.
  for (const char* fault : {"compute:11", "compute:130"}) {
    const auto run = folder_ / fmt::format("run_{}", fault);
    copy_prepared_run(run);
    const Outcome killed = run_reprise({"train", kConfig, "--out", run.string(), "--threads", "1"},
                                       {fmt::format("REPRISE_FAULT={}", fault)});
    ASSERT_EQ(killed.exit_code, 128 + 9) << fault << killed.err;
    const Outcome resumed = run_reprise({"train", "--resume", run.string(), "--ranks", "2", "--threads", "1"});
    ASSERT_EQ(resumed.exit_code, 0) << fault << resumed.err;
    expect_reference(run);
  }
}

TEST_F(RunFeatures, OfAGroupWithoutDecayAreThoseOfARunWithoutDecay) {
  const auto states_with = [&](const std::string& name, const std::string& setting) {
    const auto run = folder_ / name;
    copy_prepared_run(run);
    const Outcome outcome = run_reprise({"train", small_config(), "--out", run.string(), "--set", setting});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    std::vector<std::string> states;
    const auto json = nlohmann::json::parse(run_reprise({"log", "show", run.string(), "--json"}).out);
    for (const auto& step : json["steps"]) states.push_back(step["state"]);
    return states;
  };
  const auto of_group = states_with("group", "train.adamw.group={tensor: \"*\" weight_decay: 0}");
  EXPECT_EQ(of_group, states_with("all", "train.adamw.weight_decay=0"));
  EXPECT_NE(of_group, states_with("decay", "train.adamw.weight_decay=0.1"));
}

TEST_F(RunFeatures, AreShownByTheVerbsOfTheLog) {
  const Outcome table = run_reprise({"log", "show", reference_.string(), "--tail", "0"});
  EXPECT_NE(table.out.find("update left out: "), std::string::npos) << table.out;
  EXPECT_NE(table.out.find(" bits/byte"), std::string::npos);
  const auto json = nlohmann::json::parse(run_reprise({"log", "show", reference_.string(), "--json"}).out);
  EXPECT_EQ(json["checkpoints"].size(), 14u);
  std::vector<std::uint64_t> steps;
  for (const auto& evaluation : json["evaluations"]) steps.push_back(evaluation["step"]);
  EXPECT_EQ(steps, (std::vector<std::uint64_t>{5, 10, 15, 20, 24}));
  std::vector<std::uint64_t> sizes;
  std::uint64_t skipped = 0;
  for (const auto& step : json["steps"]) {
    sizes.push_back(step["num_samples"]);
    skipped += step.contains("skipped") ? 1 : 0;
  }
  EXPECT_GE(skipped, 1u);
  EXPECT_EQ(std::vector<std::uint64_t>(sizes.begin(), sizes.begin() + 11),
            (std::vector<std::uint64_t>{3, 3, 3, 3, 5, 5, 5, 5, 5, 5, 7}));
}

TEST_F(RunFeatures, ThatDifferAreNamedByTheDiffOfTwoLogs) {
  const auto run = folder_ / "run";
  copy_prepared_run(run);
  ASSERT_EQ(run_reprise({"train", kConfig, "--out", run.string(), "--set", "train.evaluation.sequences=33"}).exit_code,
            0);
  const Outcome outcome = run_reprise({"log", "diff", reference_.string(), run.string(), "--json"});
  EXPECT_EQ(outcome.exit_code, 1);
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["first_step"], 5);  // the first that is measured; its weights are the same
  EXPECT_EQ(json["fields"][0]["field"], "evaluation.num_sequences");
  EXPECT_EQ(json["fields"][0]["a"], "40");
  EXPECT_EQ(json["fields"][0]["b"], "33");
}

TEST_F(RunFeatures, AreVerifiedAgainstTheRecipe) {
  const auto run = folder_ / "run";
  ASSERT_EQ(run_reprise({"reproduce", kConfig, "--out", run.string(), "--quiet"}).exit_code, 0);
  EXPECT_EQ(run_reprise({"verify", run.string()}).exit_code, 0);
  const std::string recipe = read_file(run / "recipe.pbtxt");
  const auto verify_with = [&](const std::string& old, const std::string& changed) {
    std::string text = recipe;
    EXPECT_NE(text.find(old), std::string::npos) << recipe;
    text.replace(text.find(old), old.size(), changed);
    std::ofstream(run / "recipe.pbtxt") << text;
    const Outcome outcome = run_reprise({"verify", run.string()});
    EXPECT_NE(outcome.exit_code, 0);
    return outcome.out + outcome.err;
  };
  const std::string other_sizes = verify_with("sequences: 3\n", "sequences: 4\n");
  EXPECT_NE(other_sizes.find("step 1: the number of sequences is 3; by the recipe it is 4"), std::string::npos) << other_sizes;
  const std::string other_steps = verify_with("interval: 5\n", "interval: 6\n");
  EXPECT_NE(other_steps.find("step 5 has an unasked held-out loss"), std::string::npos) << other_steps;
}

TEST_F(RunFeatures, AreInThePlanOfADryRun) {
  const auto plan = nlohmann::json::parse(run_reprise({"train", kConfig, "--dry-run", "--json"}).out);
  EXPECT_EQ(plan["batch_warmup_steps"], 10);
  EXPECT_EQ(plan["tokens"], (4 * 3 + 6 * 5 + 14 * 7) * 32);
  EXPECT_EQ(plan["parameter_groups"][0]["tensors"], 9);
  EXPECT_EQ(plan["parameter_groups"][1]["parameters"], 2 * 512 * 32);
}

TEST_F(RunFeatures, ReadTheDocumentsThatTheDataVerbsName) {
  const auto json = nlohmann::json::parse(run_reprise({"log", "show", reference_.string(), "--json"}).out);
  for (const std::uint64_t step : {4, 5, 11}) {
    const Outcome outcome = run_reprise({"data", "step-to-docs", reference_.string(), std::to_string(step), "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(nlohmann::json::parse(outcome.out)["samples"].size(), json["steps"][step - 1]["num_samples"]);
  }
  const Outcome none = run_reprise({"data", "show", reference_.string(), "--step", "1", "--sample", "3"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_NE(none.err.find("the batch of step 1 has the samples 0 to 2"), std::string::npos) << none.err;
}

TEST_F(RunFeatures, ThatAreWrongAreReportedAllAtOnce) {
  std::ofstream(folder_ / "wrong.pbtxt")
      << "recipe { name: \"x\" data { file { path: \"a\" sha256: \"" << std::string(64, '0') << "\" } }\n"
      << "  train { num_steps: 9 batch_sequences: 8 grain_sequences: 2 learning_rate { peak: 1 start_step: 4 }\n"
      << "    adamw { group { learning_rate_scale: -1 } }\n"
      << "    batch_warmup { sequences: 3 steps: 2 tokens: 5 }\n"
      << "    spike_skipping { window: 1 sigma: -2 loss: false gradient_norm: false }\n"
      << "    evaluation { interval: 0 sequences: 5 } } }\n";
  const Outcome outcome = run_reprise({"config", "validate", (folder_ / "wrong.pbtxt").string()});
  EXPECT_EQ(outcome.exit_code, 2);
  for (const char* place :
       {"learning_rate.start_step", "adamw.group[0].tensor", "adamw.group[0].learning_rate_scale",
        "batch_warmup[0].sequences", "batch_warmup[0].steps", "spike_skipping.window", "spike_skipping.sigma",
        "spike_skipping.loss", "evaluation.interval", "evaluation.sequences"}) {
    EXPECT_NE(outcome.err.find(place), std::string::npos) << place << " in " << outcome.err;
  }
}

TEST_F(RunFeatures, AGlobThatNamesNoTensorStopsBeforeAnythingIsWritten) {
  const auto run = folder_ / "run";
  copy_prepared_run(run);
  const Outcome outcome = run_reprise({"train", kConfig, "--out", run.string(), "--set",
                                       "train.adamw.group={tensor: \"*.nrom.weight\" weight_decay: 0}"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("names no tensor of the model: '*.nrom.weight'"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("did you mean '*.norm.weight'?"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(run / "recipe.pbtxt"));
  EXPECT_FALSE(std::filesystem::exists(run / "run.log"));
}

}  // namespace
}  // namespace reprise::cli_test
