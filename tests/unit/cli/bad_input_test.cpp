// What a user may do wrong, or a disk, and the one clear error that comes back.

#include <fmt/core.h>

#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "program.h"
#include "reprise/core/files.h"
#include "reprise/core/hash.h"

namespace reprise::cli_test {
namespace {

using testing::Test;

class BadInput : public ProgramTest {
 protected:
  /// Writes a corpus of `content` and returns the flags that make `data build` read it.
  std::vector<std::string> build_with_corpus(const std::string& content, const std::string& name = "small.jsonl") {
    std::filesystem::create_directories(folder_ / "corpus");
    std::ofstream(folder_ / "corpus" / name, std::ios::binary) << content;
    return {"data", "build", small_config(), "--out", (folder_ / "run").string(),
            "--set", "runtime.corpus_dir=" + (folder_ / "corpus").string(),
            "--set", "data.file[0].path=" + name,
            "--set", "data.file[0].sha256=" + sha256(content).hex()};
  }
  static std::string line(const std::string& id, const std::string& text) {
    return fmt::format(R"({{"id": "{}", "text": "{}", "source": "s", "added": "2026-01-01T00:00:00.000Z", )"
                       R"("created": "2026-01-01T00:00:00.000Z", "metadata": {{"lang": "en", "kind": "natural"}}}})"
                       "\n", id, text);
  }
  void expect_error(const Outcome& outcome, int code, std::initializer_list<const char*> words) {
    EXPECT_EQ(outcome.exit_code, code) << outcome.err;
    for (const char* word : words) EXPECT_NE(outcome.err.find(word), std::string::npos) << word << "\n" << outcome.err;
    EXPECT_NE(outcome.err.find("hint:"), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  std::filesystem::path trained_run() {
    const auto run = folder_ / "run";
    copy_trained_run(run);
    return run;
  }
};

TEST_F(BadInput, ACorpusWhoseHashDiffersNamesFileAndBothHashes) {
  auto arguments = build_with_corpus(line("a", "text"));
  arguments.back() = "data.file[0].sha256=" + std::string(64, '0');
  expect_error(run_reprise(arguments), 3, {"small.jsonl", "0000000000", sha256(line("a", "text")).hex().c_str()});
}

TEST_F(BadInput, ATruncatedZstdFileNamesTheFile) {
  const std::string whole = read_file(REPRISE_SOURCE_DIR "/corpora/tiny/code.jsonl.zst");
  const auto arguments = build_with_corpus(whole.substr(0, whole.size() / 2), "small.jsonl.zst");
  expect_error(run_reprise(arguments), 3, {"small.jsonl.zst", "truncated"});
}

TEST_F(BadInput, InvalidUtf8NamesTheLine) {
  expect_error(run_reprise(build_with_corpus(line("a", "fine") + line("b", "bad \xff byte"))), 3,
               {"small.jsonl", "2", "UTF-8"});
}

TEST_F(BadInput, AFiftyMegabyteLineNamesTheLineAndTheLimit) {
  expect_error(run_reprise(build_with_corpus(line("a", "fine") + line("b", std::string(50 << 20, 'x')))), 3,
               {"small.jsonl", "2", "max_line_bytes"});
}

TEST_F(BadInput, AnEmptyCorpusIsAnError) {
  expect_error(run_reprise(build_with_corpus("")), 3, {"no document"});
}

TEST_F(BadInput, FiveMistakesOfAConfigAreReportedAtOnce) {
  std::ofstream(folder_ / "five.pbtxt") << "recipe {\n  name: \"x\"\n  seeed: 3\n"
                                           "  model { hidden_size: 30 num_heads: 4 }\n"
                                           "  train { num_steps: 0 batch_sequences: 6 grain_sequences: 4 clip_norm: -1 }\n"
                                           "}\n";
  const Outcome outcome = run_reprise({"config", "validate", (folder_ / "five.pbtxt").string()});
  expect_error(outcome, 2, {"five.pbtxt:3", "seeed", "seed", "hidden_size", "num_steps", "grain_sequences", "clip_norm"});
}

TEST_F(BadInput, ASuiteThatThisVersionDoesNotMakeIsFoundBeforeTheTraining) {
  const auto run = folder_ / "run";
  copy_prepared_run(run);
  expect_error(run_reprise({"train", small_config(), "--out", run.string(),
                            "--set", "eval.suite_sha256=" + std::string(64, '0')}), 2, {"minimal pairs", "suite_sha256"});
  EXPECT_FALSE(std::filesystem::exists(run / "run.log"));
}

TEST_F(BadInput, AFlippedBitInACheckpointIsFoundAndNamed) {
  const auto run = trained_run();
  const auto path = run / "checkpoints" / "step-000012.h5";
  std::string bytes = read_file(path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  std::ofstream(path, std::ios::binary) << bytes;
  const Outcome outcome = run_reprise({"checkpoint", "verify", run.string()});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_NE((outcome.out + outcome.err).find("step-000012.h5"), std::string::npos) << outcome.out << outcome.err;
}

TEST_F(BadInput, ATruncatedCheckpointIsFoundAndNamed) {
  const auto run = trained_run();
  const auto path = run / "checkpoints" / "step-000024.h5";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  expect_error(run_reprise({"checkpoint", "show", run.string(), "--step", "24"}), 4, {"step-000024.h5"});
}

TEST_F(BadInput, ResumingWithAnotherRecipeIsRefused) {
  const auto run = trained_run();
  expect_error(run_reprise({"train", small_config(), "--resume", run.string(), "--set", "seed=8"}), 4, {"recipe"});
}

TEST_F(BadInput, AFolderThatHoldsARunIsNotOverwritten) {
  const auto run = trained_run();
  expect_error(run_reprise({"train", small_config(), "--out", run.string()}), 4, {"--resume"});
}

TEST_F(BadInput, AFolderThatCannotBeWrittenIsAnIoError) {
  expect_error(run_reprise({"data", "build", small_config(), "--out", "/sys/kernel/reprise"}), 4, {"/sys/kernel/reprise"});
}

TEST_F(BadInput, AReaderThatStopsReadingIsNoMistake) {
  const auto err = folder_ / "err";
  const std::string command = fmt::format(
      "bash -c 'set -o pipefail; \"{}/bin/reprise\" eval suite --json 2>{} | head -c 1 >/dev/null'", REPRISE_BINARY_DIR,
      err.string());
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGPIPE);
  EXPECT_EQ(read_file(err), "");
}

TEST_F(BadInput, WhatIsNoDeviceNamesTheFlag) {
  expect_error(run_reprise({"eval", folder_.string(), "--device", "tpu"}), 2, {"--device", "tpu", "cuda:N"});
  expect_error(run_reprise({"checkpoint", "materialize", folder_.string(), "--step", "1", "--device", "tpu"}), 2,
               {"--device", "tpu", "cuda:N"});
  expect_error(run_reprise({"log", "statistics", folder_.string(), "--step", "1", "--device", "tpu"}), 2,
               {"--device", "tpu", "cuda:N"});
}

TEST_F(BadInput, StatisticsOfStepZeroNameTheFlag) {
  expect_error(run_reprise({"log", "statistics", folder_.string(), "--step", "0"}), 2, {"--step 0", "--step 1"});
}

TEST_F(BadInput, EvaluationOnAGpuThatThereIsNotSaysSo) {
  const auto gpus = nlohmann::json::parse(run_reprise({"doctor", "--json"}).out)["gpus"];
  if (!gpus.empty()) GTEST_SKIP() << "this machine has a GPU";
  expect_error(run_reprise({"eval", folder_.string(), "--device", "cuda"}), 5, {"error[device]", "CUDA"});
  expect_error(run_reprise({"eval", folder_.string(), "--device", "cuda:1"}), 5, {"error[device]", "CUDA"});
}

TEST_F(BadInput, ANumberOfThreadsOutOfBoundsIsRefusedAndNamed) {
  const std::string out = (folder_ / "out").string();
  const std::vector<std::vector<std::string>> verbs = {{"data", "dedup", "in.jsonl", "--out", out},
                                                       {"data", "decontaminate", "in.jsonl", "--against", "e.txt", "--out", out},
                                                       {"data", "assemble", "recipe.tsv", "--packages", out, "--out", out},
                                                       {"eval", folder_.string()}};
  for (const std::vector<std::string>& verb : verbs) {
    for (const char* number : {"-1", "100000"}) {
      std::vector<std::string> arguments = verb;
      arguments.insert(arguments.end(), {"--threads", number});
      const Outcome outcome = run_reprise(arguments);
      expect_error(outcome, 2, {"--threads", number, "1024"});
      EXPECT_LT(outcome.err.size(), 200u) << outcome.err;
    }
  }
}

TEST_F(BadInput, AnUnknownVerbSuggestsTheNearestOne) {
  expect_error(run_reprise({"trian"}), 2, {"did you mean `reprise train`"});
}

TEST_F(BadInput, AnUnknownWordInThePlaceOfAVerbIsNamed) {
  expect_error(run_reprise({"frobnicate"}), 2, {"`reprise` has no verb frobnicate", "`reprise --help`"});
  expect_error(run_reprise({"--bogus"}), 2, {"`reprise` has no flag --bogus", "`reprise --help`"});
  expect_error(run_reprise({"data", "frobnicate"}), 2, {"`reprise data` has no verb frobnicate", "`reprise data --help`"});
}

TEST_F(BadInput, AnUnknownFlagSuggestsTheNearestOne) {
  expect_error(run_reprise({"train", "--rank=3"}), 2, {"--rank=3", "did you mean `reprise train --ranks`"});
}

TEST_F(BadInput, AnUnknownFlagNamesTheHelp) {
  expect_error(run_reprise({"train", "--rank", "3"}), 2, {"--help"});
}

}  // namespace
}  // namespace reprise::cli_test
