#include "reprise/audit/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "reprise/audit/reproduce.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/scratch_folder.h"
#include "reprise/dist/communicator.h"
#include "reprise/eval/evaluate.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/log_check.h"
#include "reprise/train/trainer.h"

namespace reprise::audit {
namespace {

const std::string kData = REPRISE_SOURCE_DIR "/tests/data";

const std::string kNoRecipe = "cannot be checked: recipe.pbtxt could not be read";
const std::string kNoLog = "cannot be checked: run.log could not be read";

/// One run of two steps for all tests; each changes a copy.
class Verify : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ =
        new ScratchFolder(std::filesystem::temp_directory_path() / ("reprise_verify_" + std::to_string(::getpid())));
    const std::vector<std::string> overrides{"runtime.corpus_dir=" + kData, "train.num_steps=2",
                                             "eval.pairs_per_phenomenon=1"};
    config_ = new configs::RunConfig(configs::load_config(kData + "/small.pbtxt", overrides));
    ReproduceOptions options;
    options.run_dir = folder_->path() / "whole";
    options.baselines = false;
    options.say = [](const std::string&) {};
    options.run_training = [&](const std::filesystem::path& run_dir, bool) {
      train::TrainOptions training;
      training.run_dir = run_dir;
      train::train(*config_, training, *dist::make_local_communicator(), no_progress());
      return 0;
    };
    reproduce(*config_, options, no_progress());
  }
  static void TearDownTestSuite() {
    delete config_;
    delete folder_;
  }

  void SetUp() override {
    std::filesystem::remove_all(run());
    std::filesystem::copy(folder_->path() / "whole", run(), std::filesystem::copy_options::recursive);
  }

  static std::filesystem::path run() { return folder_->path() / "copy"; }

  /// Makes the manifest the one of the files as they are now: what anyone can do who changes them.
  static void write_manifest_again() {
    write_file_atomically(run() / "manifest.json", to_json(build_manifest(config_->recipe(), run()), true));
  }

  /// Expects these claims, and no others, not to hold; the details come in the same order.
  static void expect_failing(const std::vector<std::string>& names, const std::vector<std::string>& details) {
    const Verdict verdict = verify_run(run());
    std::vector<std::string> failing;
    for (const Claim& claim : verdict.claims) {
      if (claim.holds) continue;
      if (failing.size() < details.size()) {
        EXPECT_THAT(claim.detail, testing::HasSubstr(details[failing.size()]));
      }
      failing.push_back(claim.name);
    }
    EXPECT_EQ(failing, names);
  }

  /// Expects an error with `detail`.
  static void expect_complaint(const std::function<void()>& check, const std::string& detail) {
    try {
      check();
      ADD_FAILURE() << "no error instead of " << detail;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(detail));
    }
  }

  /// Writes the run's log again behind `change`.
  static void change_log(const std::function<void(logs::RunRecord&)>& change) {
    logs::RunLog log = logs::read_run_log(run() / "run.log");
    for (logs::RunRecord& record : log.records) change(record);
    std::filesystem::remove(run() / "run.log");
    auto writer = logs::RunLogWriter::create(run() / "run.log", *log.records.front().header);
    for (const logs::RunRecord& record : log.records) {
      if (record.step) writer.append(*record.step);
      if (record.checkpoint) writer.append(*record.checkpoint);
    }
  }

  static ScratchFolder* folder_;
  static configs::RunConfig* config_;
};

ScratchFolder* Verify::folder_ = nullptr;
configs::RunConfig* Verify::config_ = nullptr;

TEST_F(Verify, HoldsForARunAsItWasMade) {
  expect_failing({}, {});
  const Verdict verdict = verify_run(run());
  EXPECT_TRUE(verdict.holds());
  EXPECT_THAT(verdict.not_checked, testing::Contains(testing::HasSubstr("the scores follow from the checkpoints")));
  EXPECT_THAT(verdict.not_checked, testing::Contains(testing::HasSubstr("shards follow from the corpus")));
}

TEST_F(Verify, FailsForScoresOfACheckpointThatIsNotTheRuns) {
  eval::EvalResult scores = eval::read_results(run());
  scores.checkpoints.back().checkpoint_root = sha256("another");
  eval::write_results(run(), scores);
  write_manifest_again();
  expect_failing({"scores are of these checkpoints"}, {sha256("another").hex() + " for step 2, which run.log"});
}

TEST_F(Verify, FailsForScoresOfOtherStepsThanTheRecipeEvaluates) {
  eval::EvalResult scores = eval::read_results(run());
  scores.checkpoints.erase(scores.checkpoints.begin());
  eval::write_results(run(), scores);
  write_manifest_again();
  expect_failing({"scores are of these checkpoints"}, {"has 2 checkpoints; the recipe evaluates 3"});
  scores.checkpoints.insert(scores.checkpoints.begin(), scores.checkpoints.front());
  eval::write_results(run(), scores);
  write_manifest_again();
  expect_failing({"scores are of these checkpoints"}, {"has step 1 where the recipe evaluates step 0"});
}

TEST_F(Verify, FailsForShardsAndATokenizerOfAnotherRun) {
  const std::filesystem::path shards = run() / "shards";
  std::filesystem::copy_file(shards / "held_out-00000.h5", shards / "train-00000.h5",
                             std::filesystem::copy_options::overwrite_existing);
  write_manifest_again();
  expect_failing({"shards and tokenizer are the run's"}, {"the shards of train have root "});
  SetUp();
  const std::filesystem::path tokenizer = run() / "tokenizer" / "tokenizer.json";
  write_file_atomically(tokenizer, read_file(tokenizer) + " ");
  write_manifest_again();
  expect_failing({"shards and tokenizer are the run's"}, {"tokenizer.json has digest "});
}

TEST_F(Verify, FailsForALogThatDoesNotBeginAsTheRecipeSays) {
  using Change = void (*)(logs::RunHeader&);
  const std::vector<std::pair<std::string, Change>> changes = {
      {"name in run.log is other; by the recipe it is small", [](auto& header) { header.run_name = "other"; }},
      {"contract version in run.log is 4294967295", [](auto& header) { header.contract_version = 4294967295; }},
      {"number of parameters in run.log is 1;", [](auto& header) { header.num_parameters = 1; }},
      {"number of grains in run.log is 8; by the recipe it is 7", [](auto& header) { header.num_grains = 8; }},
      {"another parent",
       [](auto& header) {
         header.parent = logs::ParentLink{"parent", 0, {}};
       }},
      {"run.log: recipe_text", [](auto& header) { header.recipe_text = "junk"; }},
  };
  const logs::RunHeader whole = *logs::read_run_log(run() / "run.log").records.front().header;
  for (const auto& [detail, change] : changes) {
    logs::RunHeader header = whole;
    change(header);
    expect_complaint([&] { train::check_log_header(configs::resolve(*config_).recipe(), header); }, detail);
  }
  change_log([&](logs::RunRecord& record) {
    if (record.header) changes.front().second(*record.header);
  });
  write_manifest_again();
  expect_failing({"recipe is the one in run.log"}, {changes.front().first});
}

TEST_F(Verify, FailsForStepsThatDoNotFollowFromTheRecipe) {
  using Change = void (*)(logs::StepRecord&);
  const std::vector<std::pair<std::string, Change>> changes = {
      {"step 2: the first sequence is 8; by the recipe it is 7", [](auto& step) { step.first_sample = 8; }},
      {"step 2: the number of sequences is 6; by the recipe it is 7", [](auto& step) { step.num_samples = 6; }},
      {"step 2: the number of targets is 1; by the recipe it is 224", [](auto& step) { step.num_targets = 1; }},
      {"step 2: the number of tokens seen is 449; by the recipe it is 448", [](auto& step) { ++step.tokens_seen; }},
      {"step 2: the number of grain losses is 0; by the recipe it is 7", [](auto& step) { step.grain_losses = {}; }},
      {"step 2: the number of grain z-losses is 8", [](auto& step) { step.grain_z_losses.push_back(1); }},
      {"step 2: the loss is nan", [](auto& step) { step.loss = std::nan(""); }},
      {"step 2: the mean of its grain losses is ", [](auto& step) { step.loss += 1; }},
      {"step 2: the mean of its grain z-losses is ", [](auto& step) { step.grain_z_losses[3] += 1; }},
      {"step 2: the gradient norm is -1e+308", [](auto& step) { step.gradient_norm = -1e308; }},
      {"step 2: the clip factor is 0.5", [](auto& step) { step.clip_factor = 0.5f; }},
      {"step 2: the learning rate is 1; by the recipe it is 0.0015", [](auto& step) { step.learning_rate = 1; }},
  };
  train::StepCheck check(run(), configs::resolve(*config_).recipe());
  change_log([&](logs::RunRecord& record) {
    if (!record.step) return;
    if (record.step->step == 1) return check.pass(*record.step);
    for (const auto& [detail, change] : changes) {
      logs::StepRecord step = *record.step;
      change(step);
      expect_complaint([&] { check.check(step); }, detail);
    }
    changes.front().second(*record.step);
  });
  write_manifest_again();
  expect_failing({"every step is logged once"}, {changes.front().first});
}

TEST_F(Verify, FailsForAnUpdateThatWasLeftOutThoughTheRecipeLeavesNoneOut) {
  change_log([](logs::RunRecord& record) {
    if (record.step && record.step->step == 2) record.step->skipped.emplace().loss_limit = 0.5;
  });
  write_manifest_again();
  expect_failing({"every step is logged once", "checkpoints form one chain"},
                 {"the update of step 2 was left out", "adam_step is 2, by the recipe 1"});
}

TEST_F(Verify, FailsForACheckpointThatSaysThatItIsElsewhereInTheRun) {
  const std::filesystem::path folder = run() / "checkpoints";
  checkpoints::LoadedCheckpoint last = checkpoints::read_checkpoint(folder / "step-000002.h5");
  checkpoints::Header& header = last.info.header;
  ++header.seed;
  header.contract_version += 2;
  ++header.tokens_seen;
  ++header.next_sample;
  ++header.adam_step;
  header.beta1_power = 0.5;
  header.beta2_power = 0.25;
  const Digest root = checkpoints::write_checkpoint(
      folder, checkpoints::FileKind::kScheduled, header, last.layout, last.digests,
      {{0, last.layout.num_chunks()}, last.weights, last.first_moments, last.second_moments, last.info.has_moments},
      *dist::make_local_communicator());
  change_log([&](logs::RunRecord& record) {
    if (record.checkpoint && record.checkpoint->step == 2) record.checkpoint->root = root;
  });
  eval::EvalResult scores = eval::read_results(run());
  scores.checkpoints.back().checkpoint_root = root;
  eval::write_results(run(), scores);
  write_manifest_again();
  expect_failing(
      {"checkpoints form one chain"},
      {"step-000002.h5: seed is 8, by the recipe 7; contract_version is 3, by the recipe 1; tokens_seen is 449, "
       "by the recipe 448; next_sample is 15, by the recipe 14; adam_step is 3, by the recipe 2; beta1_power "
       "is 0.5, by the recipe 0.81; beta2_power is 0.25, by the recipe 0.9025"});
}

TEST_F(Verify, FailsForACheckpointWhoseRecipeTextIsNotThatOfItsHash) {
  const std::filesystem::path folder = run() / "checkpoints";
  checkpoints::LoadedCheckpoint last = checkpoints::read_checkpoint(folder / "step-000002.h5");
  configs::RunConfig other = configs::parse_config(last.info.header.recipe_text, "recipe_text");
  other.mutable_recipe()->mutable_model()->set_rope_theta(10000);
  last.info.header.recipe_text = configs::to_text(other);
  const Digest root = checkpoints::write_checkpoint(
      folder, checkpoints::FileKind::kScheduled, last.info.header, last.layout, last.digests,
      {{0, last.layout.num_chunks()}, last.weights, last.first_moments, last.second_moments, last.info.has_moments},
      *dist::make_local_communicator());
  EXPECT_EQ(root, last.info.root) << "no root covers the text";
  expect_failing({"checkpoints form one chain"}, {"step-000002.h5: recipe_text is the text of another recipe"});
}

TEST_F(Verify, SaysNothingOfWhatIsHeldAgainstARecipeThatCannotBeRead) {
  write_file_atomically(run() / "recipe.pbtxt", "");
  expect_failing({"recipe can be read", "recipe is the one in run.log", "every step is logged once",
                  "checkpoints form one chain", "scores are of these checkpoints", "files are those of the manifest"},
                 {"", kNoRecipe, kNoRecipe, kNoRecipe, kNoRecipe, kNoRecipe});
}

TEST_F(Verify, SaysNothingOfWhatIsHeldAgainstALogThatCannotBeRead) {
  std::filesystem::remove(run() / "run.log");
  expect_failing(
      {"run.log is whole", "recipe is the one in run.log", "every step is logged once", "checkpoints form one chain",
       "shards and tokenizer are the run's", "scores are of these checkpoints", "files are those of the manifest"},
      {"run.log", kNoLog, kNoLog, kNoLog, kNoLog, kNoLog, "run.log"});
}

TEST_F(Verify, FailsForACheckpointInTheLogThatTheRecipeDoesNotSchedule) {
  configs::RunConfig shorter = configs::load_config(run() / "recipe.pbtxt");
  shorter.mutable_recipe()->mutable_train()->set_num_steps(1);
  write_file_atomically(run() / "recipe.pbtxt", configs::to_text(shorter));
  const std::vector<Claim> claims = verify_run(run()).claims;
  ASSERT_GT(claims.size(), 4u);
  EXPECT_EQ(claims[4].name, "checkpoints form one chain");
  EXPECT_FALSE(claims[4].holds);
  EXPECT_EQ(claims[4].detail, "run.log holds 3 checkpoints; the recipe schedules 2");
}

TEST_F(Verify, SaysOfACheckpointThatTheLogDoesNotHoldOnlyThat) {
  change_log([](logs::RunRecord& record) {
    if (record.checkpoint && record.checkpoint->step == 2) record.checkpoint.reset();
  });
  write_manifest_again();
  expect_failing({"checkpoints form one chain", "scores are of these checkpoints"},
                 {" for step 2, which run.log does not hold", " for step 2, which run.log does not hold"});
}

/// A link to itself stands for every folder that the system does not let one look into, also for root.
TEST_F(Verify, FailsForAFolderThatCannotBeLookedInto) {
  std::filesystem::remove_all(run() / "checkpoints");
  std::filesystem::create_symlink("checkpoints", run() / "checkpoints");
  expect_failing({"checkpoints form one chain", "files are those of the manifest"}, {"checkpoints", "checkpoints"});
  std::filesystem::remove_all(run());
  std::filesystem::create_symlink(run().filename(), run());
  try {
    verify_run(run());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), testing::HasSubstr("cannot look at "));
  }
}

TEST_F(Verify, NamesTheVerbThatChecksARunOfTrain) {
  std::filesystem::remove(run() / "manifest.json");
  std::filesystem::remove_all(run() / "eval");
  const std::string verb = "`reprise checkpoint verify " + run().string() + "`";
  expect_failing({"scores are of these checkpoints", "files are those of the manifest"}, {verb, verb});
}

TEST_F(Verify, SaysOfAForkThatItsParentIsNotChecked) {
  EXPECT_THAT(verify_run(run()).not_checked, testing::Not(testing::Contains(testing::HasSubstr("parent.h5"))));
  std::filesystem::remove(run() / "manifest.json");
  configs::RunConfig fork = configs::load_config(run() / "recipe.pbtxt");
  configs::Parent& parent = *fork.mutable_recipe()->mutable_parent();
  parent.set_run("small");
  parent.set_step(1);
  parent.set_root(sha256("parent").hex());
  parent.set_recipe_hash(sha256("parent").hex());
  write_file_atomically(run() / "recipe.pbtxt", configs::to_text(fork));
  const Verdict verdict = verify_run(run());
  EXPECT_THAT(verdict.not_checked, testing::Contains(testing::HasSubstr("parent.h5")));
  EXPECT_THAT(verdict.not_checked, testing::Not(testing::Contains(testing::HasSubstr("reprise reproduce"))));
  EXPECT_THAT(verdict.claims.back().detail, testing::HasSubstr("--parent PARENT"));
}

}  // namespace
}  // namespace reprise::audit
