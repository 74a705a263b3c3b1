// Ranks that write one file together, and what happens when they cannot; write_check does the writing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "sample_state.h"
#include "write_file.h"

namespace reprise::checkpoints {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

const std::string kProgram = REPRISE_BINARY_DIR "/tests/checkpoint_write_check";

struct Outcome {
  int status = 0;
  std::string output;
};

Outcome run_line(const std::string& line) {
  FILE* pipe = ::popen((line + " 2>&1 < /dev/null").c_str(), "r");
  Outcome outcome;
  char buffer[4096];
  while (const std::size_t got = fread(buffer, 1, sizeof buffer, pipe)) outcome.output.append(buffer, got);
  const int status = ::pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

std::string write_line(int num_ranks, const std::filesystem::path& folder, const std::string& rest) {
  std::string line;
  if (num_ranks > 1) {
    for (const std::string& word : dist::mpirun_command(num_ranks, {})) line += word + " ";
  }
  return line + kProgram + " " + folder.string() + " 3 " + rest;
}

bool is_empty(const std::filesystem::path& folder) { return std::filesystem::is_empty(folder); }

class ParallelWriteTest : public ::testing::TestWithParam<int> {};

TEST_P(ParallelWriteTest, WritesTheBytesThatOneProcessWrites) {
  const SampleState state;
  for (const bool store_moments : {false, true}) {
    const TestFolder alone;
    const TestFolder together;
    state.write(alone, store_moments, *dist::make_local_communicator());
    const Outcome outcome = run_line(write_line(GetParam(), together, store_moments ? "all" : "weights"));
    ASSERT_EQ(outcome.status, 0) << outcome.output;
    EXPECT_EQ(outcome.output, "");
    EXPECT_TRUE(read_file(together.path() / "step-000003.h5") == read_file(alone.path() / "step-000003.h5"));
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, ParallelWriteTest, ::testing::Values(1, 2, 3, 4));

class ParallelFailureTest : public ::testing::TestWithParam<int> {};

TEST_P(ParallelFailureTest, FileSizeLimitIsAnErrorOnEveryRankAndLeavesNoFile) {
  const TestFolder folder;
  const Outcome outcome = run_line(write_line(GetParam(), folder, "all 100000"));
  EXPECT_EQ(outcome.status, 4);
  for (int rank = 0; rank < GetParam(); ++rank) {
    EXPECT_THAT(outcome.output, ContainsRegex(fmt::format("rank {}: error.io.: cannot reserve .* File too large", rank)));
  }
  EXPECT_THAT(outcome.output, HasSubstr("ulimit -f"));
  EXPECT_TRUE(is_empty(folder));
}

TEST_P(ParallelFailureTest, FullDiskIsAnErrorOnEveryRankAndLeavesNoFile) {
  if (run_line("unshare -rm true").status != 0) GTEST_SKIP() << "needs user namespaces (unshare -rm)";
  const TestFolder folder;
  const std::string inside = "mount -t tmpfs -o size=256k none " + folder.path().string() + " && { " +
                             write_line(GetParam(), folder, "all") + "; status=$?; ls -A " + folder.path().string() +
                             "; exit $status; }";
  const Outcome outcome = run_line("unshare -rm sh -c '" + inside + "'");
  EXPECT_EQ(outcome.status, 4);
  for (int rank = 0; rank < GetParam(); ++rank) {
    EXPECT_THAT(outcome.output, ContainsRegex(fmt::format("rank {}: error.io.: .*No space left on device", rank)));
  }
  EXPECT_THAT(outcome.output, Not(HasSubstr("partial\n")));
}

TEST_P(ParallelFailureTest, MissingFolderIsAnErrorOnEveryRank) {
  const TestFolder folder;
  const Outcome outcome = run_line(write_line(GetParam(), folder.path() / "nowhere", "all"));
  EXPECT_EQ(outcome.status, 4);
  for (int rank = 0; rank < GetParam(); ++rank) {
    EXPECT_THAT(outcome.output, HasSubstr(fmt::format("rank {}: error[io]: cannot create", rank)));
  }
}

TEST(WriteFailureTest, FolderThatMachinesDoNotShareIsAnErrorOnEveryRankAndLeavesNoFile) {
  const TestFolder here, there;
  std::string line;
  for (const std::string& word : dist::mpirun_command(1, {})) line += word + " ";
  const auto write_to = [](const TestFolder& folder) { return kProgram + " " + folder.path().string() + " 3 all"; };
  for (const char* leftover : {"", "of a write that was killed"}) {
    if (*leftover != '\0') std::ofstream(there.path() / ".step-000003.h5.partial") << leftover;
    const Outcome outcome = run_line(line + write_to(here) + " : -n 1 " + write_to(there));
    EXPECT_EQ(outcome.status, 4) << outcome.output;
    for (int rank = 0; rank < 2; ++rank) {
      EXPECT_THAT(outcome.output, ContainsRegex(fmt::format("rank {}: error.io.: rank 1 on .* does not find ", rank)));
    }
    EXPECT_THAT(outcome.output, HasSubstr("hint: the run folder must be on a file system that all machines share"));
    EXPECT_TRUE(is_empty(here));
  }
}

TEST_P(ParallelFailureTest, KilledBetweenTensorsOrBeforeTheRenameLeavesNoFinishedFile) {
  for (const std::string point : {"tensor_write", "before_rename"}) {
    const TestFolder folder;
    const std::string fault = fmt::format("REPRISE_FAULT={}:1:{} ", point, GetParam() - 1);
    const Outcome outcome = run_line(fault + write_line(GetParam(), folder, "all"));
    EXPECT_EQ(outcome.status, 128 + SIGKILL) << point;
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "step-000003.h5")) << point;
    const Outcome again = run_line(write_line(GetParam(), folder, "all"));
    EXPECT_EQ(again.status, 0) << again.output;
    EXPECT_NO_THROW(read_checkpoint(folder.path() / "step-000003.h5"));
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, ParallelFailureTest, ::testing::Values(1, 3));

TEST(WriteFailureTest, ReadOnlyFolderIsAnIoErrorWithAHint) {
  const TestFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec |
                                                  std::filesystem::perms::others_read |
                                                  std::filesystem::perms::others_exec);
  const SampleState state;
  const bool is_root = ::geteuid() == 0;
  ASSERT_EQ(is_root ? ::seteuid(65534) : 0, 0);  // root may write anywhere
  std::optional<Error> seen;
  try {
    state.write(folder, false, *dist::make_local_communicator());
  } catch (const Error& error) {
    seen = error;
  }
  ASSERT_EQ(is_root ? ::seteuid(0) : 0, 0);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind(), ErrorKind::kIo);
  EXPECT_THAT(seen->what(), AllOf(HasSubstr("Permission denied"), HasSubstr("step-000003.h5")));
  EXPECT_THAT(seen->hint(), HasSubstr("permissions"));
  EXPECT_TRUE(is_empty(folder));
}

// The reservation finds most failures before HDF5 has begun. Here there is none: HDF5 itself meets the full disk, at
// many places of the file, and must still end the process in peace.
TEST(WriteFailureTest, FullDiskInTheMiddleOfHdf5IsAnIoErrorToo) {
  if (run_line("unshare -rm true").status != 0) GTEST_SKIP() << "needs user namespaces (unshare -rm)";
  const TestFolder folder;
  const auto run_on_disk_of = [&](int kilobytes, int num_ranks) {
    const std::string mount = fmt::format("mount -t tmpfs -o size={}k none {}", kilobytes, folder.path().string());
    return run_line("unshare -rm sh -c '" + mount + " && " + write_line(num_ranks, folder, "unreserved") + "'");
  };
  for (const int kilobytes : {4, 68, 72, 120, 256, 400, 500}) {
    const Outcome outcome = run_on_disk_of(kilobytes, 1);
    EXPECT_EQ(outcome.status, 4) << kilobytes << ": " << outcome.output;
    EXPECT_THAT(outcome.output, AllOf(HasSubstr("error[io]"), HasSubstr("No space left on device"))) << kilobytes;
  }
  for (const int kilobytes : {68, 400}) {
    const Outcome outcome = run_on_disk_of(kilobytes, 3);
    EXPECT_EQ(outcome.status, 4) << kilobytes << ": " << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("error[io]")) << kilobytes;
  }
}

TEST(WriteFailureTest, ReservationIsAtLeastTheSizeOfTheFile) {
  for (const bool store_moments : {false, true}) {
    const TestFolder folder;
    std::vector<TensorSpec> specs;
    for (int i = 0; i < 300; ++i) specs.push_back({fmt::format("model.layers.{}.self_attn.q_proj.weight", i), {9}, true});
    const SampleState state(3, TensorLayout(specs));
    state.write(folder, store_moments, *dist::make_local_communicator());
    const StateView view = state.view(store_moments);
    const FileContent content{state.header, state.layout, state.digests, view, Digest{}};
    EXPECT_GE(size_bound(content), std::filesystem::file_size(folder.path() / "step-000003.h5"));
  }
}

}  // namespace
}  // namespace reprise::checkpoints
