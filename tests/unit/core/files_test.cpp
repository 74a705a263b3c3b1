#include "reprise/core/files.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <thread>

#include "reprise/core/error.h"

namespace reprise {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("files_" + std::to_string(::getpid()) + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  std::filesystem::path folder_;
};

TEST_F(Files, AWrittenFileReadsBackAndLeavesNoPartialFile) {
  const std::string bytes("a\0b\n", 4);
  write_file_atomically(folder_ / "x", bytes);
  EXPECT_EQ(read_file(folder_ / "x"), bytes);
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, AWriteReplacesTheWholeFile) {
  write_file_atomically(folder_ / "x", "a longer text");
  write_file_atomically(folder_ / "x", "short");
  EXPECT_EQ(read_file(folder_ / "x"), "short");
}

TEST_F(Files, AMissingFileIsAnIoErrorWithPathAndHint) {
  try {
    read_file(folder_ / "missing");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(error.what()).find("missing"), std::string::npos);
    EXPECT_FALSE(error.hint().empty());
  }
}

/// While it lives, root is nobody: root may read and write what others may not.
class AsNobody {
 public:
  AsNobody() { EXPECT_EQ(was_root_ ? ::seteuid(65534) : 0, 0); }
  ~AsNobody() { EXPECT_EQ(was_root_ ? ::seteuid(0) : 0, 0); }

 private:
  bool was_root_ = ::geteuid() == 0;
};

template <typename Use>
std::string hint_of_failed(const Use& use) {
  try {
    const AsNobody nobody;
    use();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    return error.hint();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST_F(Files, AFileThatMayNotBeReadHasAHintAboutReading) {
  write_file_atomically(folder_ / "secret", "text");
  std::filesystem::permissions(folder_ / "secret", std::filesystem::perms::none);
  const std::string hint = hint_of_failed([&] { read_file(folder_ / "secret"); });
  EXPECT_NE(hint.find("may not be read"), std::string::npos) << hint;
  EXPECT_EQ(hint.find("--out"), std::string::npos) << hint;
}

TEST_F(Files, AFolderThatMayNotBeWrittenHasAHintAboutWriting) {
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const std::string hint = hint_of_failed([&] { write_file_atomically(folder_ / "x", "text"); });
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
  EXPECT_NE(hint.find("cannot be written"), std::string::npos) << hint;
  EXPECT_NE(hint.find("--out"), std::string::npos) << hint;
}

TEST_F(Files, AFullDiskLeavesTheOldFileAndNoPartialFile) {
  write_file_atomically(folder_ / "x", "old");
  // A limit on the file size fails like a full disk does: in the middle of a write.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 1000;
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(write_file_atomically(folder_ / "x", std::string(5000, 'n')), Error);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(read_file(folder_ / "x"), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, ANewFileIsNotWrittenWhereALinkOfItsNameLeads) {
  write_file_atomically(folder_ / "precious", "kept");
  std::filesystem::create_symlink("precious", folder_ / "symbolic");
  std::filesystem::create_hard_link(folder_ / "precious", folder_ / "hard");
  for (const std::filesystem::path& path : {folder_ / "symbolic", folder_ / "hard", folder_ / "none"}) {
    std::FILE* file = open_new_file(path);
    ASSERT_NE(file, nullptr) << path;
    EXPECT_EQ(std::fwrite("new", 1, 3, file), 3u);
    EXPECT_EQ(std::fclose(file), 0);
    EXPECT_EQ(read_file(path), "new");
  }
  EXPECT_EQ(read_file(folder_ / "precious"), "kept");
  std::filesystem::create_directory(folder_ / "folder");
  EXPECT_EQ(open_new_file(folder_ / "folder"), nullptr);
}

TEST_F(Files, AFolderThatIsAFileIsAnIoError) {
  write_file_atomically(folder_ / "x", "file");
  EXPECT_THROW(make_folders(folder_ / "x" / "y"), Error);
  EXPECT_THROW(read_file(folder_), Error);
}

void expect_no_file(const std::filesystem::path& path) {
  try {
    read_file(path);
    FAIL() << path;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(error.what()).find(path.string() + ": a pipe or a device"), std::string::npos);
    EXPECT_NE(error.hint().find("/dev/stdin"), std::string::npos);
  }
}

TEST_F(Files, APipeOrADeviceInThePlaceOfAFileIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  expect_no_file(folder_ / "pipe");
  std::filesystem::create_symlink("/dev/zero", folder_ / "zero");
  expect_no_file(folder_ / "zero");
  EXPECT_THROW(require_no_stream(folder_ / "pipe"), Error);
  write_file_atomically(folder_ / "file", "text");
  require_no_stream(folder_ / "file");
  require_no_stream(folder_ / "missing");
}

TEST_F(Files, APipeThatTheShellNamesIsReadToItsEnd) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::thread writer([&] {
    EXPECT_EQ(::write(ends[1], "first ", 6), 6);
    EXPECT_EQ(::write(ends[1], "second", 6), 6);
    ::close(ends[1]);
  });
  EXPECT_EQ(read_file(fmt::format("/dev/fd/{}", ends[0])), "first second");
  writer.join();
  ::close(ends[0]);
  EXPECT_EQ(read_file("/dev/null"), "");
}

TEST_F(Files, AFileLargerThanMemoryIsNamed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers end the program where memory is not given";
#endif
  write_file_atomically(folder_ / "sparse", "");
  constexpr std::uint64_t kSize = std::uint64_t{1} << 42;
  std::error_code error;
  std::filesystem::resize_file(folder_ / "sparse", kSize, error);
  if (error) GTEST_SKIP() << "the file system has no files of " << kSize << " bytes";
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  rlimit small = before;
  small.rlim_cur = std::uint64_t{1} << 40;
  ::setrlimit(RLIMIT_AS, &small);
  try {
    read_file(folder_ / "sparse");
    ADD_FAILURE() << "no error";
  } catch (const Error& found) {
    EXPECT_EQ(found.kind(), ErrorKind::kOutOfMemory);
    EXPECT_NE(std::string(found.what()).find("sparse: no memory for its 4398046511104 bytes"), std::string::npos);
  }
  ::setrlimit(RLIMIT_AS, &before);
}

}  // namespace
}  // namespace reprise
