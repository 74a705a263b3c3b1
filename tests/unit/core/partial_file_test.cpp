#include "reprise/core/partial_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise {
namespace {

using std::chrono::milliseconds;

class PartialFileTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("reprise_partial_" + std::to_string(::getpid()));
  std::filesystem::path path_ = folder_ / "x";
};

TEST_F(PartialFileTest, HasItsNameWhenItIsCommittedAndNotBefore) {
  PartialFile file(path_);
  file.write("...d");
  file.rewind();
  file.write("who");
  EXPECT_FALSE(std::filesystem::exists(path_));
  file.commit();
  EXPECT_EQ(read_file(path_), "whod");
  EXPECT_FALSE(std::filesystem::exists(file.temporary()));
}

TEST_F(PartialFileTest, KeepsASecondWriterOutAndStaysWhole) {
  PartialFile first(path_);
  first.write("all ");
  try {
    PartialFile(path_, milliseconds(0));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_EQ(std::string(error.what()), "another process is writing " + path_.string());
    EXPECT_NE(error.hint().find("wait for it"), std::string::npos);
  }
  first.write("of it");
  first.commit();
  EXPECT_EQ(read_file(path_), "all of it");
  PartialFile(path_, milliseconds(0)).write("given up");  // does not wait for `first` to be destroyed
  EXPECT_EQ(read_file(path_), "all of it");
}

TEST_F(PartialFileTest, DoesNotWriteWhereALinkOfItsNameLeads) {
  write_file_atomically(folder_ / "precious", "kept");
  std::filesystem::create_symlink(folder_ / "precious", partial_path(path_));
  EXPECT_THROW(PartialFile{path_}, Error);
  EXPECT_EQ(read_file(folder_ / "precious"), "kept");
}

TEST_F(PartialFileTest, ReplacesWhatAKilledProcessLeft) {
  const pid_t child = ::fork();
  if (child == 0) {
    PartialFile file(path_);
    file.write("much more than the next one");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(std::filesystem::exists(partial_path(path_)));
  write_file_atomically(path_, "whole");
  EXPECT_EQ(read_file(path_), "whole");
}

TEST_F(PartialFileTest, DoesNotCutWhatHasTheSameFileUnderAnotherName) {
  write_file_atomically(folder_ / "finished", "kept");
  std::filesystem::create_hard_link(folder_ / "finished", partial_path(path_));
  write_file_atomically(path_, "whole");
  EXPECT_EQ(read_file(folder_ / "finished"), "kept");
  EXPECT_EQ(read_file(path_), "whole");
  EXPECT_EQ(std::filesystem::hard_link_count(path_), 1u);
}

TEST_F(PartialFileTest, IsNotWrittenIntoAnEmptyFileOfAnotherName) {
  std::ofstream(folder_ / "empty").close();
  std::filesystem::create_hard_link(folder_ / "empty", partial_path(path_));
  write_file_atomically(path_, "whole");
  EXPECT_EQ(read_file(folder_ / "empty"), "");
}

TEST_F(PartialFileTest, TakesThePlaceOfALeftoverThatMayNotBeWritten) {
  std::ofstream(partial_path(path_)) << "of another user";
  std::filesystem::permissions(partial_path(path_), std::filesystem::perms{0444});
  std::filesystem::permissions(folder_, std::filesystem::perms::all);
  const bool is_root = ::geteuid() == 0;  // whom no mode keeps out
  ASSERT_EQ(is_root ? ::seteuid(65534) : 0, 0);
  EXPECT_NO_THROW(write_file_atomically(path_, "whole"));
  ASSERT_EQ(is_root ? ::seteuid(0) : 0, 0);
  EXPECT_EQ(read_file(path_), "whole");
}

TEST_F(PartialFileTest, DoesNotWaitForAPipeInItsPlace) {
  for (const bool has_reader : {false, true}) {
    ASSERT_EQ(::mkfifo(partial_path(path_).c_str(), 0600), 0);
    const int reader = has_reader ? ::open(partial_path(path_).c_str(), O_RDONLY | O_NONBLOCK) : -1;
    write_file_atomically(path_, "whole");
    EXPECT_EQ(read_file(path_), "whole");
    if (has_reader) ::close(reader);
  }
}

TEST_F(PartialFileTest, DoesNotTakeThePlaceOfAPipeOrADevice) {
  const std::filesystem::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::create_symlink(pipe, folder_ / "link");
  for (const std::filesystem::path& path : {pipe, folder_ / "link", std::filesystem::path("/dev/reprise_no_device")}) {
    try {
      write_file_atomically(path, "whole");
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_EQ(std::string(error.what()), path.string() + " is a pipe or a device, and no file");
    }
  }
  EXPECT_TRUE(std::filesystem::is_fifo(folder_ / "link"));
}

TEST_F(PartialFileTest, NamesWhatCannotBeRemovedFromItsPlace) {
  std::filesystem::create_symlink("nowhere", partial_path(path_));
  try {
    PartialFile file(path_);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("cannot create: " + partial_path(path_).string()), std::string::npos);
    EXPECT_NE(error.hint().find("remove what stands there"), std::string::npos) << error.hint();
  }
}

TEST_F(PartialFileTest, IsGoneWhereItCannotHaveItsName) {
  std::filesystem::create_directories(path_);
  EXPECT_THROW(PartialFile(path_).commit(), Error);
  EXPECT_FALSE(std::filesystem::exists(partial_path(path_)));
}

TEST_F(PartialFileTest, OfSeveralWritersAtOnceIsNeverReadInParts) {
  write_file_atomically(path_, "a");
  std::atomic<bool> done = false;
  std::vector<std::thread> writers;
  for (const char letter : {'a', 'b'}) {
    writers.emplace_back([this, letter] {
      for (std::size_t i = 1; i < 20; ++i) write_file_atomically(path_, std::string(i << 13, letter));
    });
  }
  std::thread reader([&] {
    while (!done) {
      const std::string text = read_file(path_);
      ASSERT_FALSE(text.empty());
      ASSERT_TRUE(text.size() == 1 || text.size() % (1 << 13) == 0) << text.size();
      ASSERT_EQ(text.find_first_not_of(text[0]), std::string::npos);
    }
  });
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  EXPECT_FALSE(std::filesystem::exists(partial_path(path_)));
}

}  // namespace
}  // namespace reprise
