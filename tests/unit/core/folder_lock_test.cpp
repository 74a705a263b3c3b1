#include "reprise/core/folder_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "reprise/core/error.h"

namespace reprise {
namespace {

using std::chrono::milliseconds;

class FolderLockTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  bool is_free() const {
    try {
      const FolderLock lock(folder_, milliseconds(0));
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kIo);
      EXPECT_NE(std::string(error.what()).find("is in use by another process"), std::string::npos);
      return false;
    }
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("reprise_lock_" + std::to_string(::getpid()));
};

TEST_F(FolderLockTest, KeepsOthersOutUntilItIsGone) {
  {
    const FolderLock lock(folder_);
    EXPECT_FALSE(is_free());
  }
  EXPECT_TRUE(is_free());
}

TEST_F(FolderLockTest, LeavesNothingInTheFolder) {
  { const FolderLock lock(folder_); }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(FolderLockTest, IsGoneWithAProcessThatIsKilled) {
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder_);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(is_free());
}

TEST_F(FolderLockTest, WaitsForAHolderThatIsAboutToEnd) {
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder_);
    ::usleep(200'000);
    ::_exit(0);
  }
  while (is_free()) ::usleep(1000);
  const FolderLock lock(folder_, std::chrono::seconds(30));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
}

TEST_F(FolderLockTest, NamesAFolderThatIsNotThere) { EXPECT_THROW(FolderLock(folder_ / "none"), Error); }

}  // namespace
}  // namespace reprise
