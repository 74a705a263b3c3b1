#include "reprise/core/scratch_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise {
namespace {

using std::chrono::milliseconds;

class ScratchFolderTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("reprise_scratch_" + std::to_string(::getpid()));
  std::filesystem::path scratch_ = scratch_path(folder_ / "out.h5");
};

TEST_F(ScratchFolderTest, LiesHiddenBesideTheFileThatItIsFor) {
  EXPECT_EQ(scratch_, folder_ / ".out.h5.work.partial");
  EXPECT_EQ(scratch_path("out.h5"), ".out.h5.work.partial");
}

TEST_F(ScratchFolderTest, IsEmptyAtTheBeginningAndGoneAtTheEnd) {
  make_folders(scratch_ / "left");
  write_file_atomically(scratch_ / "left" / "by_a_killed_process", "x");
  {
    const ScratchFolder scratch(scratch_);
    EXPECT_TRUE(std::filesystem::is_empty(scratch_));
    write_file_atomically(scratch_ / "mine", "x");
  }
  EXPECT_FALSE(std::filesystem::exists(scratch_));
}

TEST_F(ScratchFolderTest, IsLeftAloneWhileAnotherWorksInIt) {
  const ScratchFolder scratch(scratch_);
  write_file_atomically(scratch_ / "mine", "x");
  EXPECT_THROW(ScratchFolder(scratch_, milliseconds(0)), Error);
  remove_stale_scratch(scratch_);
  EXPECT_TRUE(std::filesystem::exists(scratch_ / "mine"));
}

TEST_F(ScratchFolderTest, OfAKilledProcessCanBeRemoved) {
  make_folders(scratch_ / "left");
  remove_stale_scratch(scratch_);
  EXPECT_FALSE(std::filesystem::exists(scratch_));
}

}  // namespace
}  // namespace reprise
