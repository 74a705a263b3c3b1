// Reading BLiMP's files, whole and broken.
#include "reprise/eval/blimp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <cstdlib>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::eval {
namespace {

const std::string kLine =
    R"({"sentence_good": "Who sees it?", "sentence_bad": "Who see it?", "UID": "agreement", "pairID": "0"})"
    "\n";

std::string compressed(const std::string& text) {
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), text.data(), text.size(), 3));
  return bytes;
}

class Blimp : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() / fmt::format("reprise-blimp-{}-{}", test->name(), getpid());
    make_folders(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void expect_error(ErrorKind kind, const std::string& text) {
    try {
      read_blimp(folder_);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      EXPECT_THAT(error.what(), testing::HasSubstr(text));
      EXPECT_FALSE(error.hint().empty());
    }
  }

  std::filesystem::path folder_;
};

TEST_F(Blimp, ReadsPlainAndCompressedFilesInTheOrderOfTheirNames) {
  write_file_atomically(folder_ / "b.jsonl", kLine);
  write_file_atomically(folder_ / "a.jsonl.zst", compressed("{\"sentence_good\": \"G\", \"sentence_bad\": \"B\"}\n\n"));
  write_file_atomically(folder_ / "README", "no data");
  const std::vector<MinimalPair> pairs = read_blimp(folder_);
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[0].phenomenon, "a");
  EXPECT_EQ(pairs[0].good, "G");
  EXPECT_EQ(pairs[1].phenomenon, "agreement");
  EXPECT_EQ(pairs[1].bad, "Who see it?");
}

TEST_F(Blimp, ReadsTheFirstLineBehindAByteOrderMark) {
  write_file_atomically(folder_ / "a.jsonl", "\uFEFF" + kLine);
  EXPECT_EQ(read_blimp(folder_).size(), 1u);
}

TEST_F(Blimp, RefusesAFileThatIsTherePlainAndCompressed) {
  write_file_atomically(folder_ / "a.jsonl", kLine);
  write_file_atomically(folder_ / "a.jsonl.zst", compressed(kLine));
  expect_error(ErrorKind::kData, "a.jsonl and " + (folder_ / "a.jsonl.zst").string());
}

TEST_F(Blimp, RefusesAFileOfAnotherPackingWhoseSubtaskWouldBeMissing) {
  write_file_atomically(folder_ / "a.jsonl", kLine);
  write_file_atomically(folder_ / "b.jsonl.gz", "");
  expect_error(ErrorKind::kData, "b.jsonl.gz");
}

TEST_F(Blimp, NamesFileLineAndFieldOfABadLine) {
  write_file_atomically(folder_ / "x.jsonl", kLine + "{\"sentence_good\": \"G\"}\n");
  expect_error(ErrorKind::kData, "x.jsonl:2: sentence_bad");
}

TEST_F(Blimp, RefusesANameThatIsNotUtf8AsASubtasksName) {
  write_file_atomically(folder_ / "a\xff.jsonl", kLine);
  EXPECT_EQ(read_blimp(folder_)[0].phenomenon, "agreement");
  write_file_atomically(folder_ / "a\xff.jsonl", "{\"sentence_good\": \"G\", \"sentence_bad\": \"B\"}\n");
  expect_error(ErrorKind::kData, "a\xff.jsonl:1: UID is missing");
}

TEST_F(Blimp, RefusesTextThatIsNoJson) {
  write_file_atomically(folder_ / "x.jsonl", "good,bad\n");
  expect_error(ErrorKind::kData, "x.jsonl:1");
}

TEST_F(Blimp, RefusesATruncatedFile) {
  const std::string bytes = compressed(kLine);
  write_file_atomically(folder_ / "x.jsonl.zst", bytes.substr(0, bytes.size() - 5));
  expect_error(ErrorKind::kData, "x.jsonl.zst");
}

TEST_F(Blimp, RefusesAFolderWithoutFiles) { expect_error(ErrorKind::kUsage, "no *.jsonl"); }

TEST_F(Blimp, RefusesAFolderThatDoesNotExist) {
  std::filesystem::remove_all(folder_);
  expect_error(ErrorKind::kUsage, "does not exist");
}

TEST(BlimpFolder, IsTheOneGivenOrTheEnvironmentVariables) {
  ::setenv("REPRISE_EVAL_DATA", "/from/environment", 1);
  EXPECT_EQ(blimp_folder(std::filesystem::path("/given")), "/given");
  EXPECT_EQ(blimp_folder(std::nullopt), "/from/environment");
  ::unsetenv("REPRISE_EVAL_DATA");
  EXPECT_THROW(blimp_folder(std::nullopt), Error);
}

}  // namespace
}  // namespace reprise::eval
