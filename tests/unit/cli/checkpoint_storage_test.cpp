// Checkpoints as differences, without moments, or gone: every reader of a run goes on as before, or says what was
// pruned.

#include <fmt/core.h>

#include <cstdlib>
#include <map>

#include "program.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

std::map<std::string, std::string> files_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename().string()] = read_file(entry.path());
  }
  return files;
}

/// A reproduced small run: 24 steps, checkpoints every 2 and at powers of two, moments every 6, eval, manifest.
class CheckpointStorage : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    static const std::filesystem::path whole = [] {
      static std::filesystem::path run =
          std::filesystem::temp_directory_path() / fmt::format("reprise_storage_{}", ::getpid());
      const Outcome made = run_reprise({"reproduce", small_config(), "--out", run.string(), "--quiet"});
      EXPECT_EQ(made.exit_code, 0) << made.err;
      std::atexit([] { std::filesystem::remove_all(run); });
      return run;
    }();
    run_ = folder_ / "run";
    std::filesystem::copy(whole, run_, std::filesystem::copy_options::recursive);
    before_ = files_in(run_ / "checkpoints");
  }

  /// Runs `reprise checkpoint VERB RUN ...`.
  Outcome checkpoint(const char* verb, const std::vector<std::string>& more = {},
                     const std::vector<std::string>& environment = {}) const {
    std::vector<std::string> arguments = {"checkpoint", verb, run_.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_reprise(arguments, environment);
  }
  std::map<std::string, std::string> now() const { return files_in(run_ / "checkpoints"); }

  void expect_verified() const {
    const Outcome checkpoints = checkpoint("verify");
    EXPECT_EQ(checkpoints.exit_code, 0) << checkpoints.out;
    const Outcome run = run_reprise({"verify", run_.string()});
    EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  }

  std::filesystem::path run_;
  std::map<std::string, std::string> before_;
};

TEST_F(CheckpointStorage, PackedRunVerifiesAndHasTheSameRoots) {
  const std::vector<std::string> roots = checkpoint_roots(run_);
  const Outcome packed = checkpoint("pack", {"--json"});
  ASSERT_EQ(packed.exit_code, 0) << packed.err;
  const json report = json::parse(packed.out);
  EXPECT_EQ(report["files"].size(), 9u);
  EXPECT_LT(report["ratio"].get<double>(), 1.0);
  EXPECT_EQ(checkpoint_roots(run_), roots);
  expect_verified();
}

TEST_F(CheckpointStorage, PackedRunIsEvaluatedComparedAndReplayedAsBefore) {
  const auto results = [&] {
    return run_reprise({"eval", run_.string(), "--checkpoints", "8", "--tasks", "held_out", "--json"}).out;
  };
  const std::string scored = results();
  ASSERT_NE(scored, "");
  ASSERT_EQ(checkpoint("pack").exit_code, 0);
  EXPECT_EQ(results(), scored);
  const std::string run = run_.string();
  EXPECT_EQ(run_reprise({"checkpoint", "diff", run + "@8", run + "@8"}).exit_code, 0);
  const Outcome shown = checkpoint("show", {"--step", "8", "--json"});
  EXPECT_EQ(json::parse(shown.out)["anchor_step"], 6);
  const Outcome made = checkpoint("materialize", {"--step", "9", "--out", (folder_ / "nine.h5").string(), "--quiet"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
}

TEST_F(CheckpointStorage, UnpackingGivesBackEveryByte) {
  ASSERT_EQ(checkpoint("pack").exit_code, 0);
  EXPECT_NE(now(), before_);
  ASSERT_EQ(checkpoint("unpack").exit_code, 0);
  EXPECT_EQ(now(), before_);
}

TEST_F(CheckpointStorage, KilledPackLeavesWholeFilesAndTheNextOneGoesOn) {
  const Outcome killed = checkpoint("pack", {}, {"REPRISE_FAULT=before_rename:4"});
  EXPECT_EQ(killed.exit_code, 128 + 9);
  expect_verified();
  const json rest = json::parse(checkpoint("pack", {"--json"}).out);
  EXPECT_EQ(rest["files"].size(), 6u);
  expect_verified();
  EXPECT_EQ(now().size(), before_.size()) << "no partial file is left";
}

TEST_F(CheckpointStorage, PrunedRunVerifiesAndSaysWhatWasPruned) {
  const std::vector<std::string> rule = {"--keep-every", "4", "--keep-moments", "1", "--json"};
  const Outcome pruned = checkpoint("prune", rule);
  ASSERT_EQ(pruned.exit_code, 0) << pruned.err;
  EXPECT_GT(json::parse(pruned.out)["bytes_freed"].get<std::uint64_t>(), 0u);
  EXPECT_FALSE(std::filesystem::exists(run_ / "checkpoints" / "step-000006.h5"));
  expect_verified();
  const std::string said = checkpoint("verify").out;  // of 14, 7 stay
  EXPECT_NE(said.find("\n7 checkpoints were pruned"), std::string::npos) << said;
  EXPECT_NE(said.find("\nthe moments of 2 checkpoints were pruned"), std::string::npos) << said;
  EXPECT_NE(run_reprise({"verify", run_.string()}).out.find("pruned"), std::string::npos);
  EXPECT_NE(checkpoint("list").out.find("pruned"), std::string::npos) << "step 12 lost its moments";
}

TEST_F(CheckpointStorage, PrunedStepIsComputedAgainWithTheRootThatTheRunGaveIt) {
  const json listed = json::parse(checkpoint("list", {"--json"}).out);
  ASSERT_EQ(checkpoint("prune", {"--keep-every", "12"}).exit_code, 0);
  const Outcome made =
      checkpoint("materialize", {"--step", "8", "--out", (folder_ / "eight.h5").string(), "--json", "--quiet"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  for (const json& entry : listed) {
    if (entry["step"] != 8) continue;
    EXPECT_EQ(json::parse(made.out)["root"], entry["root"]);
  }
}

TEST_F(CheckpointStorage, KilledPruneLeavesNothingGoneWithoutARecord) {
  const Outcome killed =
      checkpoint("prune", {"--keep-every", "6", "--keep-moments", "1"}, {"REPRISE_FAULT=before_rename:3"});
  EXPECT_EQ(killed.exit_code, 128 + 9);
  expect_verified();
  ASSERT_EQ(checkpoint("prune", {"--keep-every", "6", "--keep-moments", "1"}).exit_code, 0);
  expect_verified();
  EXPECT_FALSE(std::filesystem::exists(run_ / "checkpoints" / "step-000020.h5"));
}

TEST_F(CheckpointStorage, DeletedFileThatNobodyPrunedIsMissing) {
  std::filesystem::remove(run_ / "checkpoints" / "step-000010.h5");
  EXPECT_EQ(run_reprise({"verify", run_.string()}).exit_code, 4);
  const Outcome verified = checkpoint("verify");
  EXPECT_EQ(verified.exit_code, 4);
  EXPECT_NE(verified.out.find("step-000010.h5 is missing"), std::string::npos) << verified.out;
}

TEST_F(CheckpointStorage, AChangedTextOfTheRecipeIsFoundThoughTheRootCoversItsHashAlone) {
  const std::filesystem::path file = run_ / "checkpoints" / "step-000008.h5";
  const checkpoints::LoadedCheckpoint loaded = checkpoints::read_checkpoint(file);
  checkpoints::Header header = loaded.info.header;
  const std::string theta = "rope_theta:";
  const std::size_t place = header.recipe_text.find(theta);
  ASSERT_NE(place, std::string::npos) << header.recipe_text;
  header.recipe_text.insert(place + theta.size() + 1, "1");
  checkpoints::StateView view;
  view.slice = {0, loaded.layout.num_chunks()};
  view.weights = loaded.weights;
  const auto alone = dist::make_local_communicator();
  const Digest root = checkpoints::write_checkpoint(file.parent_path(), checkpoints::FileKind::kScheduled, header,
                                                    loaded.layout, loaded.digests, view, *alone);
  EXPECT_EQ(root, loaded.info.root);
  const Outcome of_run = checkpoint("verify", {"--json", "--quiet"});
  EXPECT_EQ(of_run.exit_code, 4);
  EXPECT_EQ(json::parse(of_run.out)["problems"][0]["kind"], "recipe_text") << of_run.out;
  const Outcome of_file = run_reprise({"checkpoint", "verify", file.string()});
  EXPECT_EQ(of_file.exit_code, 4);
  EXPECT_NE(of_file.out.find("recipe_text is the text of another recipe"), std::string::npos) << of_file.out;
}

TEST_F(CheckpointStorage, VerifyNamesASwappedADuplicatedAMissingAForeignAndAStaleFile) {
  const std::filesystem::path folder = run_ / "checkpoints";
  const auto other = folder_ / "other";
  copy_prepared_run(other);
  ASSERT_EQ(run_reprise({"train", small_config(), "--set", "seed=8", "--out", other.string()}).exit_code, 0);
  const auto replace = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::rename(folder / "step-000002.h5", folder_ / "between");
  std::filesystem::rename(folder / "step-000004.h5", folder / "step-000002.h5");
  std::filesystem::rename(folder_ / "between", folder / "step-000004.h5");
  std::filesystem::copy_file(folder / "step-000024.h5", folder / "step-000008.h5", replace);
  std::filesystem::remove(folder / "step-000010.h5");
  std::filesystem::copy_file(other / "checkpoints" / "step-000014.h5", folder / "step-000014.h5", replace);
  std::filesystem::copy_file(folder / "step-000018.h5", folder / "recovery-000018.h5");
  const Outcome outcome = checkpoint("verify", {"--json", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
  const json problems = json::parse(outcome.out)["problems"];
  std::vector<std::string> found;
  for (const json& problem : problems)
    found.push_back(fmt::format("{} {}", problem["step"].get<int>(), problem["kind"].get<std::string>()));
  EXPECT_EQ(found, (std::vector<std::string>{"2 swapped", "4 swapped", "8 duplicate", "10 missing", "14 foreign",
                                             "18 stale_recovery"}));
  EXPECT_EQ(problems[0]["actual_step"], 4);
  EXPECT_EQ(problems[2]["actual_step"], 24);
  EXPECT_EQ(problems[2]["equals"][0], "step-000024.h5");
  const Outcome shown = checkpoint("show", {"--step", "2"});
  EXPECT_EQ(shown.exit_code, 4) << "what is asked for is step 2, and not what lies under its name";
  EXPECT_NE(shown.err.find("it holds step 4: "), std::string::npos) << shown.err;
}

// File names are bytes, JSON is UTF-8.
TEST_F(CheckpointStorage, ARunWhosePathIsNotUtf8IsReportedOnWithItsBytesReplaced) {
  const std::filesystem::path odd = folder_ / "b\xff";
  std::filesystem::rename(run_, odd);
  const std::vector<std::string> verify = {"checkpoint", "verify", (odd / "checkpoints/step-000008.h5").string()};
  for (std::vector<std::string> arguments : {std::vector<std::string>{"checkpoint", "list", odd.string()}, verify}) {
    arguments.push_back("--json");
    const Outcome outcome = run_reprise(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(json::parse(outcome.out).dump().find("b\xef\xbf\xbd/checkpoints"), std::string::npos) << outcome.out;
  }
}

TEST_F(CheckpointStorage, PruneThatIsToKeepAStepThatIsNotStoredDeletesNothingAndNamesTheStoredOnesNearby) {
  const Outcome between = checkpoint("prune", {"--keep", "8", "17"});
  EXPECT_EQ(between.exit_code, 4);
  EXPECT_NE(between.err.find("step 17"), std::string::npos) << between.err;
  EXPECT_NE(between.err.find("hint: stored near it: 14, 16, 18, 20"), std::string::npos) << between.err;
  const Outcome beyond = checkpoint("prune", {"--keep-every", "4", "--keep", "240"});
  EXPECT_EQ(beyond.exit_code, 4);
  EXPECT_NE(beyond.err.find("hint: stored near it: 22, 24\n"), std::string::npos) << beyond.err;
  EXPECT_EQ(now(), before_);
}

TEST_F(CheckpointStorage, PruneWithoutARuleIsWrongUsage) {
  const Outcome outcome = checkpoint("prune");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(now(), before_);
}

class Average : public CheckpointStorage {
 protected:
  std::string at(int step) const { return fmt::format("{}@{}", run_.string(), step); }
  std::string out() const { return (folder_ / "average.h5").string(); }
};

TEST_F(Average, IsScoredShownAndComputedAgain) {
  ASSERT_EQ(run_reprise({"checkpoint", "average", at(20), at(22), at(24), "--out", out()}).exit_code, 0);
  const json shown = json::parse(run_reprise({"checkpoint", "show", out(), "--json"}).out);
  EXPECT_EQ(shown["kind"], "uniform");
  EXPECT_EQ(shown["sources"].size(), 3u);
  const Outcome verified = run_reprise({"checkpoint", "verify", out()});
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  EXPECT_NE(verified.out.find("computed again from its 3 sources: the same bits"), std::string::npos) << verified.out;
  const Outcome scored = run_reprise({"eval", run_.string(), "--checkpoint", out(), "--tasks", "held_out", "--json"});
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_EQ(json::parse(scored.out)["checkpoint_root"], shown["root"]);
  EXPECT_EQ(json::parse(scored.out)["average"], json({{"kind", "uniform"}, {"sources", 3}}));
}

TEST_F(Average, IsExportedWithItsRoot) {
  ASSERT_EQ(run_reprise({"checkpoint", "average", at(22), at(24), "--out", out()}).exit_code, 0);
  const auto exported = folder_ / "exported";
  const Outcome made = checkpoint("export", {"--checkpoint", out(), "--out", exported.string(), "--json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string root = json::parse(made.out)["root"].get<std::string>();
  EXPECT_EQ(root, json::parse(run_reprise({"checkpoint", "show", out(), "--json"}).out)["root"]);
  EXPECT_NE(read_file(exported / "model.safetensors").find(root), std::string::npos);
  EXPECT_NE(read_file(exported / "model.safetensors").find(R"("reprise.average":"uniform")"), std::string::npos);
  EXPECT_EQ(json::parse(read_file(exported / "config.json"))["model_type"], "olmo2");
}

TEST_F(Average, IsNotExportedWithTheTokenizerOfAnotherRun) {
  ASSERT_EQ(run_reprise({"checkpoint", "average", at(24), "--out", out()}).exit_code, 0);
  const auto tokenizer = run_ / "tokenizer" / "tokenizer.json";
  write_file_atomically(tokenizer, read_file(tokenizer) + "\n");
  const Outcome made = checkpoint("export", {"--checkpoint", out(), "--out", (folder_ / "exported").string()});
  EXPECT_EQ(made.exit_code, 4) << made.err;
  EXPECT_NE(made.err.find("the run was trained with"), std::string::npos) << made.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "exported"));
}

TEST_F(Average, OfOneCheckpointScoresLikeThatCheckpoint) {
  ASSERT_EQ(run_reprise({"checkpoint", "average", at(24), "--out", out()}).exit_code, 0);
  const auto score = [&](const std::vector<std::string>& which) {
    std::vector<std::string> arguments = {"eval", run_.string(), "--tasks", "held_out", "--json"};
    arguments.insert(arguments.end(), which.begin(), which.end());
    return json::parse(run_reprise(arguments).out)["held_out"];
  };
  EXPECT_EQ(score({"--checkpoint", out()}), score({"--checkpoints", "24"}));
}

TEST_F(Average, ExponentialOneTakesEveryCheckpointOfARun) {
  const Outcome made = run_reprise({"checkpoint", "average", run_.string(), "--ema", "0.5", "--out", out(), "--json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const json sources = json::parse(made.out)["sources"];
  EXPECT_EQ(sources.size(), checkpoint_roots(run_).size());
  EXPECT_EQ(sources.back()["weight"], 0.5);
  EXPECT_EQ(sources.back()["step"], 24);
}

TEST_F(Average, PrintsControlCharactersOfAPlaceAsText) {
  const std::filesystem::path run = folder_ / "run\x1b[2J";
  std::filesystem::create_directory_symlink(run_, run);
  const Outcome made = run_reprise({"checkpoint", "average", run.string() + "@24", "--out", out()});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(made.out.find('\x1b'), std::string::npos) << made.out;
  EXPECT_NE(made.out.find("run\\u001b[2J"), std::string::npos) << made.out;
}

TEST_F(Average, OfARunIsMadeWhereItsLogIsDamagedBehindTheLastRecord) {
  const auto log = run_ / "run.log";
  write_file_atomically(log, read_file(log) + std::string(300, '\0'));
  const Outcome made = run_reprise({"checkpoint", "average", run_.string(), "--out", out()});
  EXPECT_EQ(made.exit_code, 0) << made.err;
}

TEST_F(Average, WithoutItsSourcesIsCheckedAgainstItsRootAndSaysWhichIsMissing) {
  ASSERT_EQ(run_reprise({"checkpoint", "average", at(22), at(24), "--out", out()}).exit_code, 0);
  std::filesystem::remove(run_ / "checkpoints" / "step-000022.h5");
  const Outcome verified = run_reprise({"checkpoint", "verify", out(), "--json"});
  EXPECT_EQ(verified.exit_code, 0);
  EXPECT_EQ(json::parse(verified.out)["recomputed"], false);
  EXPECT_NE(verified.out.find("step 22"), std::string::npos) << verified.out;
}

TEST_F(Average, RefusesWeightsThatDoNotMatchAndCheckpointsThatAreNotThere) {
  EXPECT_EQ(run_reprise({"checkpoint", "average", at(22), at(24), "--weights", "1", "--out", out()}).exit_code, 2);
  EXPECT_EQ(run_reprise({"checkpoint", "average", at(23), "--out", out()}).exit_code, 4);
  EXPECT_EQ(run_reprise({"checkpoint", "average", run_.string(), "--ema", "1.5", "--out", out()}).exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(Average, ReplacesNoFileOfARun) {
  const auto expect_refused = [](const std::vector<std::string>& arguments) {
    const Outcome refused = run_reprise(arguments);
    EXPECT_EQ(refused.exit_code, 2) << refused.out;
    EXPECT_NE(refused.err.find("error[usage]: --out "), std::string::npos) << refused.err;
  };
  const std::string log = read_file(run_ / "run.log");
  const std::string run_log = (run_ / "run.log").string();
  expect_refused({"checkpoint", "average", at(22), at(24), "--out", (run_ / "checkpoints/step-000024.h5").string()});
  expect_refused(
      {"checkpoint", "ema", run_.string(), "--decay", "0.5", "--from", "1", "--to", "2", "--out", run_log, "--quiet"});
  expect_refused({"checkpoint", "materialize", run_.string(), "--step", "9", "--out", run_log, "--quiet"});
  EXPECT_EQ(now(), before_);
  EXPECT_EQ(read_file(run_ / "run.log"), log);
}

/// Training with a rule of storage, beside the run that stores everything plainly.
class StorageRule : public CheckpointStorage {
 protected:
  Outcome train(const std::vector<std::string>& more, const std::vector<std::string>& environment = {}) const {
    std::vector<std::string> arguments = {"train", small_config(),
                                          "--set", "runtime.checkpoint_storage.delta=true",
                                          "--set", "runtime.checkpoint_storage.keep_moments=1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_reprise(arguments, environment);
  }
  void expect_same_run(const std::filesystem::path& other) const {
    EXPECT_EQ(checkpoint_roots(other), checkpoint_roots(run_));
    EXPECT_EQ(read_file(other / "run.log"), read_file(run_ / "run.log"));
    const json listed = json::parse(run_reprise({"checkpoint", "list", "--json", other.string()}).out);
    for (const json& entry : listed) {
      EXPECT_EQ(entry["has_moments"], entry["step"] == 24) << entry;
      EXPECT_EQ(entry.contains("anchor_step"), entry["step"].get<int>() % 6 != 0) << entry;
    }
    EXPECT_EQ(run_reprise({"checkpoint", "verify", other.string()}).exit_code, 0);
  }
};

TEST_F(StorageRule, LeavesRootsAndLogAsTheyAreOnAnyNumberOfRanks) {
  for (const char* ranks : {"1", "2"}) {
    const auto other = folder_ / ranks;
    copy_prepared_run(other);
    const Outcome trained = train({"--out", other.string(), "--ranks", ranks});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    expect_same_run(other);
  }
}

TEST_F(StorageRule, RunThatIsKilledWhilePackingGoesOnToTheSameRun) {
  for (const char* pass : {"2", "9"}) {  // of the writer, of the packer
    const auto other = folder_ / pass;
    copy_prepared_run(other);
    const Outcome killed = train({"--out", other.string()}, {std::string("REPRISE_FAULT=before_rename:") + pass});
    ASSERT_EQ(killed.exit_code, 128 + 9) << killed.err;
    const Outcome resumed = train({"--resume", other.string()});
    ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
    expect_same_run(other);
  }
}

}  // namespace
}  // namespace reprise::cli_test
