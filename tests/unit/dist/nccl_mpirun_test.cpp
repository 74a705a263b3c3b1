// The NCCL transport between processes: MPI tells the ranks of each other, a double of NCCL moves the bytes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "reprise/core/error.h"
#include "reprise/dist/communicator.h"

namespace reprise::dist {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

const std::string kProgram = REPRISE_BINARY_DIR "/tests/dist_nccl_check";
const std::string kDouble = REPRISE_BINARY_DIR "/tests/libnccl_double.so";

struct Outcome {
  int status = 0;
  std::string output;  // stdout and stderr
};

class NcclMpirunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("reprise_nccl_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    set("REPRISE_BACKEND", "nccl");
    set("REPRISE_NCCL_LIBRARY", kDouble);
    set("REPRISE_CUDART_LIBRARY", kDouble);
    set("NCCL_DOUBLE_FOLDER", folder_.string());
  }
  void TearDown() override {
    for (const std::string& name : names_) ::unsetenv(name.c_str());
    std::filesystem::remove_all(folder_);
  }
  void set(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    names_.push_back(name);
  }

  Outcome run(int num_ranks, const std::string& scenario) {
    std::string line;
    for (const std::string& word : mpirun_command(num_ranks, std::vector<std::string>{kProgram, scenario})) {
      line += "'" + word + "' ";
    }
    return run_line(line);
  }
  Outcome run_line(const std::string& line) {
    FILE* pipe = ::popen((line + " 2>&1 < /dev/null").c_str(), "r");
    Outcome outcome;
    char buffer[4096];
    while (const std::size_t got = fread(buffer, 1, sizeof buffer, pipe)) outcome.output.append(buffer, got);
    const int status = ::pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
  }

  std::filesystem::path folder_;
  std::vector<std::string> names_;
};

TEST_F(NcclMpirunTest, DeliversEveryByteAndIsQuiet) {
  for (const int num_ranks : {1, 2, 5}) {
    const Outcome outcome = run(num_ranks, "exchange");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(NcclMpirunTest, KilledRankEndsTheOthersAndIsNamed) {
  const Outcome outcome = run(3, "killed");
  EXPECT_THAT(outcome.status, AnyOf(128 + SIGKILL, 6));  // of the rank that mpirun saw end first
  EXPECT_THAT(outcome.output, HasSubstr("rank 2 has died"));
}

TEST_F(NcclMpirunTest, ThrownErrorOfOneRankEndsAllAndIsSaid) {
  const Outcome outcome = run(3, "throw");
  EXPECT_THAT(outcome.status, AnyOf(3, 6));
  EXPECT_THAT(outcome.output, HasSubstr("error[data]: the scenario asks for it"));
}

TEST_F(NcclMpirunTest, AbortEndsEveryRankWithTheGivenStatus) {
  const Outcome outcome = run(3, "abort");
  EXPECT_EQ(outcome.status, 7);
  EXPECT_THAT(outcome.output, HasSubstr("rank 2 of 3 ends the run: the scenario asks for it"));
}

TEST_F(NcclMpirunTest, RankThatDoesNotComeIsNamedWhenPatienceIsOver) {
  const Outcome outcome = run(3, "late");
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.output, HasSubstr("NCCL has not ended an exchange for 1 s: rank 2 has not come for 1 s"));
}

TEST_F(NcclMpirunTest, MissingLibraryIsSaidWithAHint) {
  set("REPRISE_NCCL_LIBRARY", "/nowhere/libnccl.so.2");
  const Outcome outcome = run(2, "exchange");
  EXPECT_EQ(outcome.status, 5);
  EXPECT_THAT(outcome.output, HasSubstr("error[device]: NCCL cannot be used: cannot load /nowhere/libnccl.so.2"));
  EXPECT_THAT(outcome.output, HasSubstr("hint: install NCCL 2"));
  EXPECT_THAT(run_line(kProgram + " describe").output, HasSubstr("not usable: cannot load /nowhere/libnccl.so.2"));
}

TEST_F(NcclMpirunTest, MissingGpuIsSaid) {
  set("NCCL_DOUBLE_DEVICES", "0");
  const Outcome outcome = run(2, "exchange");
  EXPECT_EQ(outcome.status, 5);
  EXPECT_THAT(outcome.output, HasSubstr("cannot count the GPUs: no CUDA-capable device is detected"));
}

TEST_F(NcclMpirunTest, OneRankWithoutGpuEndsAll) {
  const Outcome outcome = run(3, "one_without");
  EXPECT_THAT(outcome.output, HasSubstr("no CUDA-capable device is detected"));
  EXPECT_THAT(outcome.status, AnyOf(5, 6));
}

TEST_F(NcclMpirunTest, NcclThatIsTooOldIsSaid) {
  set("NCCL_DOUBLE_VERSION", "21703");
  const Outcome outcome = run(1, "exchange");
  EXPECT_EQ(outcome.status, 5);
  EXPECT_THAT(outcome.output, HasSubstr("is NCCL 2.17.3, which is older than 2.18.0"));
}

TEST_F(NcclMpirunTest, RankThatNcclRefusesEndsAll) {
  set("NCCL_DOUBLE_REFUSES", "1");
  const Outcome outcome = run(3, "exchange");
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.output, HasSubstr("cannot connect the ranks by NCCL: NCCL: unhandled system error"));
}

TEST_F(NcclMpirunTest, BackendWithAnUnknownNameIsAUsageError) {
  set("REPRISE_BACKEND", "gloo");
  const Outcome outcome = run_line(kProgram + " exchange");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.output, HasSubstr("REPRISE_BACKEND is gloo"));
}

}  // namespace
}  // namespace reprise::dist
