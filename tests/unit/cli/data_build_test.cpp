// `data build` as a user runs it: on several ranks, killed with kill -9, stopped by a full disk; the same files each
// time.

#include <fmt/core.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>

#include "program.h"
#include "reprise/core/files.h"
#include "reprise/core/hash.h"

namespace reprise::cli_test {
namespace {

std::map<std::string, std::string> tree(const std::filesystem::path& run) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(run)) {
    if (entry.is_regular_file()) files[entry.path().lexically_relative(run).string()] = read_file(entry.path());
  }
  return files;
}

/// Of letters: deduplication takes all numbers for one.
std::string random_word(std::mt19937& random) {
  std::string word;
  for (int i = 0; i < 4; ++i) word.push_back(static_cast<char>('a' + random() % 12));
  return word + " ";
}

/// A corpus of some ten megabytes, so that the steps of a build have several pieces, and a config for it.
class DataBuild : public ProgramTest {
 protected:
  static void SetUpTestSuite() {
    made_ = std::filesystem::temp_directory_path() / fmt::format("reprise_data_build_{}", ::getpid());
    std::filesystem::create_directories(made_ / "corpus");
    std::mt19937 random(20261121);
    std::string files;
    for (int file = 0; file < 3; ++file) {
      const std::string name = fmt::format("{}.jsonl", file);
      const std::string content = documents(file, random);
      write_file_atomically(made_ / "corpus" / name, content);
      files += fmt::format("file {{ path: \"{}\" sha256: \"{}\" }}\n", name, sha256(std::string_view(content)).hex());
    }
    std::string config = read_file(small_config());
    const std::size_t begin = config.find("file {");
    config.replace(begin, config.find('\n', begin) - begin, files + "minhash_dedup { }");
    write_file_atomically(made_ / "config.pbtxt", config);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(made_); }

  /// What one rank leaves that nobody disturbs.
  const std::map<std::string, std::string>& whole() const {
    static const auto files = [&] {
      const Outcome outcome = build("whole", 1, 1);
      EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
      return tree(folder_ / "whole");
    }();
    return files;
  }

  static std::string documents(int file, std::mt19937& random) {
    std::string lines;
    for (int i = 0; i < 900; ++i) {
      std::string text;
      for (int word = 0; word < 700; ++word) text += random_word(random);
      const char* language = i % 2 == 0 ? "en" : "es";
      lines += fmt::format(
          R"({{"id":"{}-{}","text":"{}","source":"test","metadata":{{"license":"CC0-1.0","lang":"{}","kind":"natural"}}}})",
          file, i, text, language);
      lines += "\n";
    }
    return lines;
  }

  std::vector<std::string> arguments(const std::string& run, int ranks, int threads) const {
    return {"data",
            "build",
            (made_ / "config.pbtxt").string(),
            "--set",
            "runtime.corpus_dir=" + corpus_.string(),
            "--set",
            "data.max_line_bytes=1000000",
            "--out",
            (folder_ / run).string(),
            "--ranks",
            std::to_string(ranks),
            "--threads",
            std::to_string(threads),
            "--quiet"};
  }

  Outcome build(const std::string& run, int ranks, int threads,
                const std::vector<std::string>& environment = {}) const {
    return run_reprise(arguments(run, ranks, threads), environment);
  }

  /// Starts a build, sends `signal_number` as soon as it has a piece, and returns its exit code.
  int interrupt(const std::string& run, int ranks, int signal_number) const {
    const std::string program = program_path().string();
    std::vector<std::string> words = arguments(run, ranks, 1);
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(signal_number, SIG_DFL);
      std::vector<char*> argv = {const_cast<char*>(program.c_str())};
      for (std::string& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      ::execv(program.c_str(), argv.data());
      ::_exit(121);
    }
    const auto segments = folder_ / run / "data" / ".build" / "segments";
    while (!std::filesystem::exists(segments)) ::usleep(5000);
    ::kill(child, signal_number);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  static inline std::filesystem::path made_;
  std::filesystem::path corpus_ = made_ / "corpus";
};

TEST_F(DataBuild, WritesTheSameTreeOnOneTwoAndFourRanks) {
  ASSERT_EQ(whole().size(), 7u);
  for (const auto& [ranks, threads] : {std::pair(2, 2), std::pair(4, 1)}) {
    const std::string run = fmt::format("{} x {}", ranks, threads);
    const Outcome outcome = build(run, ranks, threads);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.err.find(fmt::format("reprise data report '{}'", (folder_ / run).string())), std::string::npos);
    EXPECT_EQ(tree(folder_ / run), whole()) << run;
  }
}

TEST_F(DataBuild, GoesOnAfterAKillAnywhereOnAnotherNumberOfRanks) {
  struct Kill {
    const char* point;  // see core/fault_point.h
    int count, ranks, killed_rank, resume_ranks;
  };
  for (const Kill& kill :
       {Kill{"data_segment", 1, 2, 1, 1}, Kill{"data_chunk", 2, 2, 0, 1}, Kill{"data_measure", 1, 2, 1, 3},
        Kill{"data_lines", 1, 2, 0, 1}, Kill{"data_step", 3, 1, 0, 2}, Kill{"data_encode", 2, 2, 0, 2}}) {
    const std::string name = fmt::format("{}_{}_{}of{}", kill.point, kill.count, kill.killed_rank, kill.ranks);
    const Outcome killed =
        build(name, kill.ranks, 1, {fmt::format("REPRISE_FAULT={}:{}:{}", kill.point, kill.count, kill.killed_rank)});
    ASSERT_NE(killed.exit_code, 0) << name << ": the fault point was not reached";
    const Outcome resumed = build(name, kill.resume_ranks, 1);
    ASSERT_EQ(resumed.exit_code, 0) << name << "\n" << resumed.err;
    EXPECT_EQ(tree(folder_ / name), whole()) << name;
    std::filesystem::remove_all(folder_ / name);
  }
}

TEST_F(DataBuild, EndsAtOnceOnASignalAndGoesOnLater) {
  for (const int ranks : {1, 2}) {
    const std::string run = fmt::format("interrupted{}", ranks);
    EXPECT_EQ(interrupt(run, ranks, SIGINT), 128 + SIGINT) << ranks;
    EXPECT_FALSE(std::filesystem::exists(folder_ / run / "shards")) << ranks;
    ASSERT_EQ(build(run, 1, 1).exit_code, 0);
    EXPECT_EQ(tree(folder_ / run), whole()) << ranks;
  }
}

TEST_F(DataBuild, StopsCleanlyOnAFullDiskAndGoesOnWhenThereIsSpaceAgain) {
  for (const std::size_t limit : {std::size_t{1} << 20, std::size_t{6} << 20}) {
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = limit;
    ::setrlimit(RLIMIT_FSIZE, &small);
    const Outcome full = build("full", 1, 1);
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_EQ(full.exit_code, 4) << full.err;
    EXPECT_NE(full.err.find("hint:"), std::string::npos) << full.err;
    for (const auto& [name, content] : tree(folder_ / "full")) {
      if (name.find("/.") == std::string::npos) continue;
      EXPECT_TRUE(name.starts_with("data/.build/") || name.starts_with("data/.tokens/")) << name;
    }
  }
  const Outcome resumed = build("full", 1, 1);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(tree(folder_ / "full"), whole());
}

TEST_F(DataBuild, TellsOfABadFileOnceAndEndsEveryRank) {
  std::filesystem::copy(made_ / "corpus", folder_ / "corpus");
  corpus_ = folder_ / "corpus";
  write_file_atomically(corpus_ / "1.jsonl", "{\"id\": \"x\", \"text\"\n");
  const Outcome outcome = build("bad", 3, 1);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("1.jsonl:1"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("hint:"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace reprise::cli_test
