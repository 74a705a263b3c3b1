// Copies of a read-only run. Modes are looked at, as root may write whatever they are.

#include "own_copy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/scratch_folder.h"

namespace reprise::train {
namespace {

namespace fs = std::filesystem;

constexpr fs::perms kReadOnlyFile = fs::perms{0444};
constexpr fs::perms kReadOnlyFolder = fs::perms{0555};

fs::perms mode_of(const fs::path& path) { return fs::status(path).permissions(); }

bool holds(const fs::path& path, fs::perms wanted) { return (mode_of(path) & wanted) == wanted; }

/// A folder `run` with a file beside and a file inside of a folder, all of them read-only.
class OwnCopy : public testing::Test {
 protected:
  OwnCopy() {
    fs::create_directories(run() / "inner");
    for (const fs::path& path : {file(), inner_file()}) {
      std::ofstream(path) << "of " << path.filename().string();
      fs::permissions(path, kReadOnlyFile);
    }
    fs::permissions(run() / "inner", kReadOnlyFolder);
    fs::permissions(run(), kReadOnlyFolder);
  }
  ~OwnCopy() override {  // else only root could delete it
    fs::permissions(run(), fs::perms::owner_all);
    fs::permissions(run() / "inner", fs::perms::owner_all);
  }
  fs::path run() const { return folder_.path() / "run"; }
  fs::path file() const { return run() / "a"; }
  fs::path inner_file() const { return run() / "inner" / "b"; }
  fs::path copy() const { return folder_.path() / "copy"; }

  ScratchFolder folder_{fs::temp_directory_path() / ("reprise_own_copy_" + std::to_string(::getpid()))};
};

TEST_F(OwnCopy, OfAReadOnlyFileCanBeWrittenByItsOwner) {
  copy_to_own(file(), copy());
  EXPECT_TRUE(holds(copy(), fs::perms::owner_read | fs::perms::owner_write));
  EXPECT_EQ(read_file(copy()), "of a");
  EXPECT_EQ(mode_of(file()), kReadOnlyFile);
}

TEST_F(OwnCopy, TakesThePlaceOfAFileThatIsThere) {
  std::ofstream(copy()) << "something longer that was there before";
  copy_to_own(file(), copy());
  EXPECT_EQ(read_file(copy()), "of a");
}

TEST_F(OwnCopy, OfAReadOnlyFolderHasFoldersThatTheirOwnerMayWrite) {
  take_folder(run(), copy());
  EXPECT_TRUE(holds(copy(), fs::perms::owner_all));
  EXPECT_TRUE(holds(copy() / "inner", fs::perms::owner_all));
  EXPECT_EQ(read_file(copy() / "a"), "of a");
  EXPECT_EQ(read_file(copy() / "inner" / "b"), "of b");
}

TEST_F(OwnCopy, LeavesTheModesOfTheRunAlone) {
  take_folder(run(), copy());
  for (const fs::path& path : {file(), inner_file()}) EXPECT_EQ(mode_of(path), kReadOnlyFile) << path;
  for (const fs::path& path : {run(), run() / "inner"}) EXPECT_EQ(mode_of(path), kReadOnlyFolder) << path;
}

TEST_F(OwnCopy, OfALinkHoldsWhatItLeadsTo) {
  fs::create_directory(folder_.path() / "links");
  fs::create_symlink(fs::path("..") / "run" / "a", folder_.path() / "links" / "a");
  fs::create_directory_symlink(fs::path("..") / "run" / "inner", folder_.path() / "links" / "inner");
  take_folder(folder_.path() / "links", copy());
  EXPECT_EQ(read_file(copy() / "a"), "of a");
  EXPECT_EQ(read_file(copy() / "inner" / "b"), "of b");
}

TEST_F(OwnCopy, OfAFolderHasNoneOfItsPartialFiles) {
  fs::permissions(run(), fs::perms::owner_all);
  std::ofstream(partial_path(run() / "c")) << "half";
  fs::create_directories(run() / ".d.work.partial" / "e");
  take_folder(run(), copy());
  EXPECT_EQ(read_file(copy() / "a"), "of a");
  EXPECT_FALSE(fs::exists(partial_path(copy() / "c")));
  EXPECT_FALSE(fs::exists(copy() / ".d.work.partial"));
}

TEST_F(OwnCopy, ThatFailsNamesBothFiles) {
  try {
    copy_to_own(run() / "missing", copy());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(error.what()).find("missing"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(copy().string()), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace reprise::train
