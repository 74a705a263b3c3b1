#include "reprise/audit/reproduce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "reprise/audit/verify.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"
#include "reprise/core/scratch_folder.h"
#include "reprise/dist/communicator.h"
#include "reprise/numerics/device.h"
#include "reprise/train/trainer.h"

namespace reprise::audit {
namespace {

const std::string kData = REPRISE_SOURCE_DIR "/tests/data";

/// Reproduces a small run that trains on the CPU, whatever the config says.
ReproduceReport reproduce_on(const std::string& device, const std::string& numerics) {
  const std::vector<std::string> overrides{"runtime.corpus_dir=" + kData, "runtime.device=" + device,
                                           "recipe.numerics=" + numerics, "train.num_steps=2",
                                           "eval.pairs_per_phenomenon=1"};
  const configs::RunConfig config = configs::load_config(kData + "/small.pbtxt", overrides);
  const ScratchFolder folder(std::filesystem::temp_directory_path() /
                             ("reprise_reproduce_" + std::to_string(::getpid())));
  ReproduceOptions options;
  options.run_dir = folder.path() / "run";  // which training locks too
  options.baselines = false;
  options.say = [](const std::string&) {};
  options.run_training = [&](const std::filesystem::path& run_dir, bool) {
    train::TrainOptions training;
    training.run_dir = run_dir;
    train::train(config, training, *dist::make_local_communicator(), no_progress());
    return 0;
  };
  return reproduce(config, options, no_progress());
}

TEST(Reproduce, EvaluatesARunOnTheDeviceThatTrainsIt) {
  for (const char* const profile : {"exact", "native"}) {
    if (numerics::num_cuda_devices() > 0) {
      EXPECT_EQ(reproduce_on("cuda:0", profile).manifest.root(), reproduce_on("cpu", profile).manifest.root());
      continue;
    }
    try {
      reproduce_on("cuda", profile);
      FAIL() << "evaluated on the CPU";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kDevice) << error.what();
    }
  }
}

/// A folder in which a small run is computed, again and again.
class ReproduceInAFolder : public testing::Test {
 protected:
  void SetUp() override {
    options_.run_dir = folder_.path() / "run";
    options_.baselines = false;
    options_.say = [this](const std::string& line) { said_ += line + "\n"; };
  }

  static configs::RunConfig config_with(const std::vector<std::string>& more = {}) {
    std::vector<std::string> overrides{"runtime.corpus_dir=" + kData, "train.num_steps=2",
                                       "eval.pairs_per_phenomenon=1"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return configs::load_config(kData + "/small.pbtxt", overrides);
  }

  static int train_it(const configs::RunConfig& config, const std::filesystem::path& run_dir, bool resume) {
    train::TrainOptions training;
    training.run_dir = run_dir;
    training.resume = resume;
    train::train(config, training, *dist::make_local_communicator(), no_progress());
    return 0;
  }

  /// As `data build` does.
  void build_data(const std::filesystem::path& tokenizer = {}, const std::vector<std::string>& more = {}) const {
    data::BuildOptions build;
    build.corpus_dir = kData;
    build.output_dir = options_.run_dir;
    build.tokenizer = tokenizer;
    prepare_data(config_with(more), build, options_.say, no_progress());
  }

  ReproduceReport reproduce_it(const std::vector<std::string>& more = {}) {
    const configs::RunConfig config = config_with(more);
    options_.run_training = [&](const std::filesystem::path& run_dir, bool resume) {
      train_it(config, run_dir, resume);
      return during_training_ ? during_training_(resume) : 0;
    };
    return reproduce(config, options_, *progress_);
  }

  /// The error that reproduce_it() ends with.
  Error refused(const std::vector<std::string>& more = {}) {
    try {
      reproduce_it(more);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorKind::kInternal, "none");
  }

  std::filesystem::path again() const { return options_.run_dir / "again"; }
  std::filesystem::path manifest() const { return options_.run_dir / "manifest.json"; }

  /// Replaces the manifest by one of a run with other scores.
  void forge_scores() {
    Manifest forged = read_manifest(manifest());
    for (Artefact& artefact : forged.artefacts) {
      if (artefact.name == "eval/results") artefact.digest = Digest{};
    }
    write_file_atomically(manifest(), to_json(forged, true));
  }

  const ScratchFolder folder_{std::filesystem::temp_directory_path() /
                              ("reprise_reproduce_in_" + std::to_string(::getpid()))};
  ReproduceOptions options_;
  ProgressSink* progress_ = &no_progress();
  std::function<int(bool resume)> during_training_;  // returns the exit code of training
  std::string said_;
};

TEST_F(ReproduceInAFolder, ComparesWithTheFinishedRunThereWhichItNeverTouches) {
  const ReproduceReport first = reproduce_it();
  EXPECT_FALSE(first.reproduced());
  std::filesystem::rename(options_.run_dir / "checkpoints", folder_.path() / "large_disk");
  std::filesystem::create_directory_symlink("../large_disk", options_.run_dir / "checkpoints");
  during_training_ = [this](bool) {
    EXPECT_TRUE(verify_run(options_.run_dir).holds());
    EXPECT_THROW(FolderLock(options_.run_dir, std::chrono::milliseconds(0)), Error) << "two may compute it again";
    return 0;
  };
  const ReproduceReport second = reproduce_it();
  EXPECT_TRUE(second.reproduced());
  EXPECT_EQ(second.previous_root, first.manifest.root());
  EXPECT_EQ(second.manifest.root(), first.manifest.root());
  EXPECT_FALSE(std::filesystem::exists(again()));
  EXPECT_TRUE(verify_run(options_.run_dir).holds());
}

TEST_F(ReproduceInAFolder, KeepsBothRunsWhereTheRootsDifferAndNamesWhatDiffers) {
  const Digest root = reproduce_it().manifest.root();
  forge_scores();
  const Digest forged = read_manifest(manifest()).root();
  const ReproduceReport report = reproduce_it();
  EXPECT_FALSE(report.reproduced());
  EXPECT_EQ(report.difference(), "eval/results");
  EXPECT_THAT(said_, testing::HasSubstr(forged.hex()));
  EXPECT_EQ(read_manifest(manifest()).root(), forged);
  EXPECT_EQ(read_manifest(again() / "manifest.json").root(), root);
  EXPECT_TRUE(std::filesystem::exists(again() / "checkpoints" / "step-000002.h5"));
  EXPECT_EQ(refused().kind(), ErrorKind::kCheckpoint) << "two runs that differ, and no room for a third";
}

TEST_F(ReproduceInAFolder, GoesOnWithComputingARunAgainWhereItWasStopped) {
  const Digest root = reproduce_it().manifest.root();
  during_training_ = [](bool resume) { return resume ? 0 : 130; };
  EXPECT_EQ(reproduce_it().training_exit_code, 130);
  EXPECT_TRUE(std::filesystem::exists(again() / "run.log"));
  make_folders(options_.run_dir / ".again.partial" / "data");  // a kill while an earlier one was deleted
  write_file_atomically(again() / "session.log.damaged", "");  // as a resume behind a loss of power leaves it
  make_folders(again() / "tensorboard");                       // as `reprise log export` leaves it
  const ReproduceReport report = reproduce_it();
  EXPECT_TRUE(report.reproduced());
  EXPECT_EQ(report.previous_root, root);
  EXPECT_FALSE(std::filesystem::exists(again()));
  EXPECT_FALSE(std::filesystem::exists(options_.run_dir / ".again.partial"));
}

TEST_F(ReproduceInAFolder, LeavesAFolderNamedAgainThatIsSomebodysOwn) {
  reproduce_it();
  make_folders(again() / "checkpoints");
  write_file_atomically(again() / "checkpoints" / "mine.h5", "weights");
  EXPECT_THAT(refused().what(), testing::HasSubstr("checkpoints is in its place"));
  std::filesystem::remove_all(again() / "checkpoints");
  for (const char* entry : {"recipe.pbtxt", "manifest.json"}) {
    std::filesystem::copy(options_.run_dir / entry, again() / entry);
  }
  EXPECT_THAT(refused().what(), testing::HasSubstr("and so does"));
  write_file_atomically(again() / "notes.txt", "notes");
  EXPECT_THAT(refused().what(), testing::HasSubstr("notes.txt is in its place"));
  options_.overwrite = true;
  reproduce_it({"seed=8"});
  EXPECT_EQ(read_file(again() / "notes.txt"), "notes");
  EXPECT_TRUE(std::filesystem::exists(again() / "manifest.json"));
}

TEST_F(ReproduceInAFolder, KeepsAFileThatSomebodyPutWhereARunIsComputedAgain) {
  reproduce_it();
  during_training_ = [this](bool) {
    write_file_atomically(again() / "notes.txt", "notes");
    return 0;
  };
  EXPECT_TRUE(reproduce_it().reproduced());
  EXPECT_THAT(said_, testing::HasSubstr("warning: what was computed again stays"));
  EXPECT_EQ(read_file(again() / "notes.txt"), "notes");
}

TEST_F(ReproduceInAFolder, SaysOfADamagedManifestWhatGivesANewOne) {
  const Digest root = reproduce_it().manifest.root();
  write_file_atomically(manifest(), "{");
  EXPECT_THAT(refused().hint(), testing::HasSubstr("move that file away"));
  EXPECT_FALSE(std::filesystem::exists(again()));
  std::filesystem::remove(manifest());
  EXPECT_EQ(reproduce_it().manifest.root(), root);
}

/// Sees whether a folder is locked while checkpoints are scored.
class LockWatch : public ProgressSink {
 public:
  explicit LockWatch(std::filesystem::path folder) : folder_(std::move(folder)) {}
  void begin(std::string_view phase, std::int64_t, std::string_view) override {
    if (phase != "evaluate") return;
    ++num_seen_;
    EXPECT_THROW(FolderLock(folder_, std::chrono::milliseconds(0)), Error);
  }
  void update(std::int64_t, std::string_view) override {}
  void end() override {}
  int num_seen() const { return num_seen_; }

 private:
  std::filesystem::path folder_;
  int num_seen_ = 0;
};

TEST_F(ReproduceInAFolder, KeepsOthersOutWhileItEvaluates) {
  LockWatch watch(options_.run_dir);
  progress_ = &watch;
  reproduce_it();
  EXPECT_GT(watch.num_seen(), 0);
}

TEST_F(ReproduceInAFolder, KeepsOthersOutOfWhatItComputesAgain) {
  reproduce_it();
  LockWatch watch(again());
  progress_ = &watch;
  reproduce_it();
  EXPECT_GT(watch.num_seen(), 0);
}

TEST_F(ReproduceInAFolder, ReplacesARunWhoseRecipeItCannotReadWhereItIsToldTo) {
  make_folders(options_.run_dir);
  write_file_atomically(options_.run_dir / "recipe.pbtxt", "x {");
  EXPECT_THAT(refused().hint(), testing::HasSubstr("--overwrite"));
  options_.overwrite = true;
  EXPECT_NO_THROW(reproduce_it());
}

TEST_F(ReproduceInAFolder, TouchesNothingOfAFinishedRunThatItCannotComputeAgain) {
  reproduce_it();
  const std::string finished = read_file(manifest());
  for (const bool overwrite : {false, true}) {
    options_.overwrite = overwrite;
    EXPECT_EQ(refused({"runtime.corpus_dir=" + (folder_.path() / "elsewhere").string()}).kind(), ErrorKind::kIo);
    EXPECT_EQ(read_file(manifest()), finished);
    EXPECT_TRUE(std::filesystem::exists(options_.run_dir / "checkpoints" / "step-000002.h5"));
    EXPECT_FALSE(std::filesystem::exists(again()));
  }
}

TEST_F(ReproduceInAFolder, TouchesNothingWhileAnotherProcessWorksThere) {
  reproduce_it();
  options_.overwrite = true;
  {
    const FolderLock another(options_.run_dir);
    EXPECT_THAT(refused({"train.num_steps=3"}).what(), testing::HasSubstr("in use by another process"));
  }
  EXPECT_TRUE(std::filesystem::exists(options_.run_dir / "checkpoints" / "step-000002.h5"));
}

TEST_F(ReproduceInAFolder, LeavesTheFilesOfOthersAlone) {
  make_folders(options_.run_dir / "data");
  make_folders(options_.run_dir / "eval");
  write_file_atomically(options_.run_dir / "data" / "my_results.csv", "1,2\n");
  write_file_atomically(options_.run_dir / "eval" / "score.py", "pass\n");
  reproduce_it();
  EXPECT_EQ(read_file(options_.run_dir / "data" / "my_results.csv"), "1,2\n");
  EXPECT_EQ(read_file(options_.run_dir / "eval" / "score.py"), "pass\n");
}

TEST_F(ReproduceInAFolder, BeginsWhereAKillLeftAnEmptyFolderForCheckpoints) {
  make_folders(options_.run_dir / "checkpoints");
  EXPECT_NO_THROW(reproduce_it());
}

TEST_F(ReproduceInAFolder, WarnsOfAFilterThatIsForNoDocument) {
  build_data({}, {"data.filter[0].language[0]=En"});
  EXPECT_THAT(said_, testing::HasSubstr("warning: recipe.data.filter[0] (gopher_quality) judges none of 71 documents"));
}

TEST_F(ReproduceInAFolder, LeavesTheDataOfARunThatItsRecipeDoesNotGive) {
  build_data();
  const std::filesystem::path tokenizer = options_.run_dir / "tokenizer" / "tokenizer.json";
  const std::filesystem::path given = folder_.path() / "given.json";
  write_file_atomically(given, read_file(tokenizer) + "\n");
  build_data(given);
  train_it(config_with(), options_.run_dir, false);
  const std::string shard = read_file(options_.run_dir / "shards" / "train-00000.h5");

  EXPECT_FALSE(reproduce_it().reproduced());
  EXPECT_THAT(said_, testing::HasSubstr("nothing of it is built"));
  EXPECT_EQ(read_file(tokenizer), read_file(given));
  EXPECT_TRUE(read_file(options_.run_dir / "shards" / "train-00000.h5") == shard);

  std::filesystem::remove_all(options_.run_dir / "shards");
  build_data();
  EXPECT_TRUE(read_file(options_.run_dir / "shards" / "train-00000.h5") == shard) << "not by the run's tokenizer";
  std::filesystem::remove(tokenizer);
  EXPECT_THROW(build_data(), Error) << "there are shards that no other tokenizer fits";
  EXPECT_FALSE(std::filesystem::exists(tokenizer));
}

TEST_F(ReproduceInAFolder, ReadsThePublishedManifestBeforeItComputesAnything) {
  options_.published = folder_.path() / "small.published.json";
  write_file_atomically(options_.published, "{");
  EXPECT_EQ(refused().kind(), ErrorKind::kCorrupt);
  EXPECT_FALSE(std::filesystem::exists(options_.run_dir));
}

TEST(Reproduce, FindsWhatTheConfigAloneShowsBeforeItMakesAnything) {
  const ScratchFolder folder(std::filesystem::temp_directory_path() /
                             ("reprise_reproduce_suite_" + std::to_string(::getpid())));
  ReproduceOptions options;
  options.run_dir = folder.path() / "run";
  options.say = [](const std::string&) {};
  const std::map<std::string, std::pair<ErrorKind, std::string>> mistakes = {
      {"eval.suite_sha256=" + std::string(64, '0'),
       {ErrorKind::kConfig, "the generated minimal pairs are not the recipe's"}},
      {"tokenizer.end_of_text=\"a\"", {ErrorKind::kConfig, "tokenizer.end_of_text could be learned"}},
      {"train.adamw.group=[{tensor: \"zzz\" weight_decay: 0}]", {ErrorKind::kConfig, "names no tensor of the model"}},
      {"runtime.device=cuda:99", {ErrorKind::kDevice, ""}}};
  for (const auto& [setting, expected] : mistakes) {
    const std::vector<std::string> overrides{"runtime.corpus_dir=" + kData, setting};
    const configs::RunConfig config = configs::load_config(kData + "/small.pbtxt", overrides);
    try {
      reproduce(config, options, no_progress());
      FAIL() << "no error of " << setting;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), expected.first) << setting;
      EXPECT_THAT(error.what(), testing::HasSubstr(expected.second));
    }
    EXPECT_FALSE(std::filesystem::exists(options.run_dir)) << setting;
  }
}

}  // namespace
}  // namespace reprise::audit
