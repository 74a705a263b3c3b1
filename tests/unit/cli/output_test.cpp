// Standard output holds results and must take them; standard error holds talk, which may be lost.

#include <fmt/core.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "program.h"

namespace reprise::cli_test {
namespace {

class Output : public ProgramTest {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// Runs the program by a shell from the repository, as `redirections` say, and returns its exit code.
  static int run_redirected(const std::string& arguments, const std::string& redirections) {
    const std::string command = fmt::format("cd '{}' && '{}' {} {}; exit $?", REPRISE_SOURCE_DIR,
                                            program_path().string(), arguments, redirections);
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string trained_run() const {
    copy_trained_run(folder_ / "run");
    return path("run");
  }
};

TEST_F(Output, AnErrorThatCannotBePrintedKeepsItsExitCode) {
  std::ofstream(folder_ / "bad.pbtxt") << "recipe { seeed: 3 }\n";
  for (const char* lost : {"2>/dev/full", "2>&-"}) {
    EXPECT_EQ(run_redirected("train " + path("missing.pbtxt"), lost), 4) << lost;
    EXPECT_EQ(run_redirected("config validate " + path("bad.pbtxt"), lost), 2) << lost;
    EXPECT_EQ(run_redirected("--bogus", lost), 2) << lost;
  }
}

TEST_F(Output, ANoteThatCannotBePrintedIsNoFailure) {
  const std::string run = trained_run();
  for (const std::string lost : {"2>/dev/full", "2>&-"}) {
    EXPECT_EQ(run_redirected("log show " + run + " --tail 2", ">/dev/null " + lost), 0) << lost;
    EXPECT_EQ(run_redirected("data dropped " + run + " --limit 1", ">/dev/null " + lost), 0) << lost;
  }
}

TEST_F(Output, ProgressThatCannotBePrintedIsNoFailureAndGoesIntoNoFile) {
  copy_prepared_run(folder_ / "run");
  EXPECT_EQ(
      run_redirected(fmt::format("train {} --out {} --threads 2", small_config(), path("run")), ">/dev/null 2>&-"), 0);
  EXPECT_EQ(run_reprise({"checkpoint", "verify", path("run")}).exit_code, 0);
  EXPECT_EQ(run_reprise({"log", "show", path("run"), "--session"}).exit_code, 0);
  EXPECT_EQ(
      run_redirected(fmt::format("data build {} --out {}", small_config(), path("built")), ">/dev/null 2>/dev/full"),
      0);
}

TEST_F(Output, AReportIsPrintedWhereItsTalkCannotBe) {
  const std::string report = path("report.json");
  EXPECT_EQ(run_redirected(fmt::format("reproduce {} --out {} --json", small_config(), path("made")),
                           fmt::format(">{} 2>/dev/full", report)),
            0);
  EXPECT_TRUE(nlohmann::json::parse(std::ifstream(report), nullptr, false).contains("root"));
}

TEST_F(Output, AResultThatCannotBePrintedIsAnIoError) {
  const std::string run = trained_run();
  const std::vector<std::string> verbs = {"log show " + run,
                                          "log show " + run + " --session",
                                          "log show " + run + " --json",
                                          "log show " + run + " --follow",
                                          "log export " + run + " --format csv",
                                          "checkpoint list " + run,
                                          "--help"};
  for (const std::string& verb : verbs) {
    EXPECT_EQ(run_redirected(verb, ">/dev/full 2>/dev/null"), 4) << verb;
    EXPECT_EQ(run_redirected(verb, ">&- 2>/dev/null"), 4) << verb;
  }
}

TEST_F(Output, ALogWhoseReaderStopsReadingIsNoMistake) {
  const std::string run = trained_run();
  for (const std::string& verb : {"log show " + run + " --tail 0", "log export " + run + " --format jsonl"}) {
    const std::string command =
        fmt::format("bash -c 'set -o pipefail; \"{}\" {} 2>\"{}\" | true'", program_path().string(), verb, path("err"));
    const int status = std::system(command.c_str());
    const int code = WEXITSTATUS(status);
    EXPECT_TRUE(code == 0 || code == 141) << code;  // 0 when all was in the pipe before its reader ended
    EXPECT_EQ(std::filesystem::file_size(path("err")), 0u) << verb;
  }
}

}  // namespace
}  // namespace reprise::cli_test
