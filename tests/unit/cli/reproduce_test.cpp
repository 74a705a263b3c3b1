// reproduce compares with the published root, and names the first artefact that differs.

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "processes.h"
#include "program.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

class Reproduce : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    static const std::filesystem::path published = [this] {
      publish();
      static const auto kept =
          std::filesystem::temp_directory_path() / ("reprise_published_" + std::to_string(::getpid()));
      std::filesystem::copy(folder_, kept, std::filesystem::copy_options::recursive);
      std::atexit([] { std::filesystem::remove_all(kept); });
      return kept;
    }();
    std::filesystem::remove_all(folder_);
    std::filesystem::copy(published, folder_, std::filesystem::copy_options::recursive);
  }
  /// Leaves the config, its corpus, the run "first" and the manifest published of it.
  void publish() {
    std::filesystem::copy(small_config(), config());
    std::filesystem::create_directories(folder_ / "corpus");
    std::filesystem::copy(REPRISE_SOURCE_DIR "/tests/data/small.jsonl", folder_ / "corpus" / "small.jsonl");
    const Outcome outcome = reproduce("first", {"--publish"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  std::filesystem::path config() const { return folder_ / "small.pbtxt"; }
  Outcome reproduce(const std::string& run, std::vector<std::string> flags) {
    std::vector<std::string> arguments = {"reproduce",
                                          config().string(),
                                          "--out",
                                          (folder_ / run).string(),
                                          "--quiet",
                                          "--set",
                                          "runtime.corpus_dir=" + (folder_ / "corpus").string()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_reprise(arguments);
  }
  static std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n');
    const std::size_t start = text.rfind('\n', end);
    return text.substr(start + 1, end - start);
  }
};

TEST_F(Reproduce, SaysReproducedForTheSameRecipeAtAnyNumberOfRanks) {
  for (const char* ranks : {"1", "3"}) {
    const Outcome again = reproduce(std::string("again") + ranks, {"--ranks", ranks, "--threads", "2"});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_EQ(last_line(again.out).rfind("REPRODUCED root=", 0), 0u) << again.out;
  }
}

TEST_F(Reproduce, NamesTheRecipeWhenTheSeedDiffersAndGivesOneOtherRoot) {
  std::string lines[2];
  for (const int i : {0, 1}) {
    const Outcome other = reproduce("seed" + std::to_string(i), {"--set", "seed=8", "--ranks", i == 0 ? "1" : "3"});
    EXPECT_EQ(other.exit_code, 1) << other.err;
    lines[i] = last_line(other.out);
  }
  EXPECT_EQ(lines[0].rfind("NOT REPRODUCED root=", 0), 0u) << lines[0];
  EXPECT_NE(lines[0].find("first difference: recipe"), std::string::npos) << lines[0];
  EXPECT_EQ(lines[0], lines[1]);
}

TEST_F(Reproduce, NamesTheCorpusWhenOneByteOfItDiffersAndGivesOneOtherRoot) {
  const auto path = folder_ / "corpus" / "small.jsonl";
  std::string bytes = read_file(path);
  const std::size_t place = bytes.find(" the ");
  ASSERT_NE(place, std::string::npos);
  bytes[place + 1] = 'T';
  std::ofstream(path, std::ios::binary) << bytes;
  std::string lines[2];
  for (const int i : {0, 1}) {
    const Outcome other = reproduce("byte" + std::to_string(i), {"--ranks", i == 0 ? "1" : "3"});
    EXPECT_EQ(other.exit_code, 1) << other.err;
    EXPECT_NE(other.err.find("small.jsonl"), std::string::npos) << other.err;
    lines[i] = last_line(other.out);
  }
  EXPECT_NE(lines[0].find("first difference: corpus"), std::string::npos) << lines[0];
  EXPECT_EQ(lines[0], lines[1]);
}

TEST_F(Reproduce, PrintsNothingButTheReportOnStdoutWithJson) {
  const Outcome outcome = reproduce("json", {"--json", "--ranks", "2"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(nlohmann::json::parse(outcome.out).at("reproduced").get<bool>());
}

TEST_F(Reproduce, RefusesAFolderThatHoldsARunOfAnotherRecipe) {
  const Outcome refused = reproduce("first", {"--set", "seed=9"});
  EXPECT_EQ(refused.exit_code, 4) << refused.err;
  EXPECT_NE(refused.err.find("--overwrite"), std::string::npos) << refused.err;
}

TEST_F(Reproduce, GoesOnWithAnInterruptedRun) {
  const Outcome killed = run_reprise({"reproduce", config().string(), "--out", (folder_ / "cut").string(), "--set",
                                      "runtime.corpus_dir=" + (folder_ / "corpus").string()},
                                     {"REPRISE_FAULT=compute:100"});
  ASSERT_EQ(killed.exit_code, 128 + 9) << killed.err;
  const Outcome resumed = reproduce("cut", {});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("going on with the interrupted run"), std::string::npos) << resumed.err;
  EXPECT_EQ(last_line(resumed.out).rfind("REPRODUCED root=", 0), 0u) << resumed.out;
}

/// Runs the program in the source folder, stops it behind step 2 of a run and returns the command that it then prints.
std::string stopped_by_the_user(const std::vector<std::string>& arguments, const std::filesystem::path& run,
                                const std::filesystem::path& err) {
  RunningProgram program(arguments, err);
  EXPECT_TRUE(program.wait_until([&] { return std::filesystem::exists(run / "checkpoints" / "step-000002.h5"); }));
  ::kill(program.process(), SIGINT);
  EXPECT_EQ(program.wait_for_all({}), 128 + SIGINT) << read_file(err);
  const std::string text = read_file(err);
  const std::string before = "go on with: ";
  const std::size_t begin = text.rfind(before);
  if (begin == std::string::npos) return "false";
  return text.substr(begin + before.size(), text.find('\n', begin) - begin - before.size());
}

/// The exit code of a printed command, pasted into a shell that finds the tested program as `reprise`.
int pasted(const std::string& command) {
  const std::string line = fmt::format("cd '{}' && PATH='{}':$PATH && {} >/dev/null 2>&1", REPRISE_SOURCE_DIR,
                                       program_path().parent_path().string(), command);
  return WEXITSTATUS(std::system(line.c_str()));
}

TEST_F(Reproduce, PrintsACommandThatGoesOnWithAStoppedRunHoweverItWasStarted) {
  const auto run = folder_ / "a user's run";
  const auto unpublished = folder_ / "unpublished.pbtxt";
  std::filesystem::copy(small_config(), unpublished);
  const std::string command = stopped_by_the_user({"reproduce", unpublished.string(), "--overwrite", "--set",
                                                   "train.num_steps=200", "--threads", "2", "--out", run.string()},
                                                  run, folder_ / "err");
  EXPECT_EQ(pasted(command), 0) << command;
  EXPECT_TRUE(std::filesystem::exists(run / "checkpoints" / "step-000200.h5")) << command;
  EXPECT_EQ(command.find("--overwrite"), std::string::npos) << command;
  EXPECT_NE(command.find("--threads 2"), std::string::npos) << command;
}

TEST_F(Reproduce, TrainingAlonePrintsACommandThatGoesOnWithItsRecipeAndRuntime) {
  const auto run = folder_ / "a user's run";
  copy_prepared_run(run);
  const std::string command =
      stopped_by_the_user({"train", small_config(), "--set", "train.num_steps=200", "--set",
                           "runtime.recompute_layers=1", "--threads", "2", "--out", run.string()},
                          run, folder_ / "err");
  EXPECT_EQ(pasted(command), 0) << command;
  EXPECT_TRUE(std::filesystem::exists(run / "checkpoints" / "step-000200.h5")) << command;
  EXPECT_NE(command.find("runtime.recompute_layers=1"), std::string::npos) << command;
  EXPECT_NE(command.find("runtime.num_threads=2"), std::string::npos) << command;
}

TEST_F(Reproduce, VerifyHoldsForTheRunAndFailsForAChangedByte) {
  EXPECT_EQ(run_reprise({"verify", (folder_ / "first").string()}).exit_code, 0);
  const auto path = folder_ / "first" / "checkpoints" / "step-000008.h5";
  std::string bytes = read_file(path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
  const Outcome failed = run_reprise({"verify", (folder_ / "first").string()});
  EXPECT_EQ(failed.exit_code, 4) << failed.out;
  EXPECT_NE(failed.out.find("step-000008.h5"), std::string::npos) << failed.out;
}

using ReproduceAnew = ProgramTest;

TEST_F(ReproduceAnew, RefusesABackendThatIsNoneBeforeTheData) {
  const auto run = folder_ / "run";
  const Outcome outcome = run_reprise({"reproduce", small_config(), "--out", run.string()}, {"REPRISE_BACKEND=foo"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("REPRISE_BACKEND is foo"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("go on with"), std::string::npos) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(run / "tokenizer"));
}

}  // namespace
}  // namespace reprise::cli_test
