#include "reprise/core/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <system_error>

#include "reprise/core/nearest_name.h"
#include "reprise/core/report_error.h"
#include "reprise/core/result.h"
#include "reprise/core/shell_line.h"

namespace reprise {
namespace {

TEST(Error, PrintsKindMessageAndHintOnTwoLines) {
  const Error error(ErrorKind::kData, "corpus.jsonl:7: not UTF-8: byte 0xff", "remove the line");
  EXPECT_EQ(error.formatted(), "error[data]: corpus.jsonl:7: not UTF-8: byte 0xff\nhint: remove the line");
}

TEST(Error, LeavesTheHintLineOutWhenThereIsNone) {
  EXPECT_EQ(Error(ErrorKind::kIo, "cannot open x").formatted(), "error[io]: cannot open x");
}

TEST(Error, KeepsKindAndHintWhenContextIsAdded) {
  const Error error = Error(ErrorKind::kIo, "cannot open x", "look").with_context("while resuming");
  EXPECT_EQ(error.kind(), ErrorKind::kIo);
  EXPECT_EQ(error.hint(), "look");
  EXPECT_STREQ(error.what(), "cannot open x (while resuming)");
}

TEST(Error, HasTheDocumentedExitCodes) {
  EXPECT_EQ(exit_code(ErrorKind::kInternal), 1);
  EXPECT_EQ(exit_code(ErrorKind::kUsage), 2);
  EXPECT_EQ(exit_code(ErrorKind::kConfig), 2);
  EXPECT_EQ(exit_code(ErrorKind::kData), 3);
  EXPECT_EQ(exit_code(ErrorKind::kIo), 4);
  EXPECT_EQ(exit_code(ErrorKind::kCorrupt), 4);
  EXPECT_EQ(exit_code(ErrorKind::kCheckpoint), 4);
  EXPECT_EQ(exit_code(ErrorKind::kDevice), 5);
  EXPECT_EQ(exit_code(ErrorKind::kOutOfMemory), 5);
  EXPECT_EQ(exit_code(ErrorKind::kDistributed), 6);
  EXPECT_EQ(exit_code(ErrorKind::kNumeric), 7);
}

TEST(Error, FailedCheckNamesExpressionValuesAndPlace) {
  try {
    REPRISE_CHECK_EQ(2 + 2, 5);
    FAIL() << "the check passed";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_NE(std::string(error.what()).find("2 + 2 == 5: 4 vs 5"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("error_test.cpp"), std::string::npos);
  }
}

template <typename Thrown>
Error error_of(const Thrown& thrown) {
  try {
    throw thrown;
  } catch (...) {
    return caught_error();
  }
}

TEST(CaughtError, IsTheErrorItself) {
  const Error error = error_of(Error(ErrorKind::kData, "no document", "look"));
  EXPECT_EQ(error.formatted(), "error[data]: no document\nhint: look");
}

TEST(CaughtError, HasTheKindOfAnotherException) {
  EXPECT_EQ(error_of(std::bad_alloc()).kind(), ErrorKind::kOutOfMemory);
  const Error refused = error_of(std::system_error(ENOSPC, std::generic_category(), "cannot write"));
  EXPECT_EQ(refused.kind(), ErrorKind::kIo);
  EXPECT_FALSE(refused.hint().empty());
  const Error bug = error_of(std::runtime_error("expected a tensor\nException raised from ..."));
  EXPECT_EQ(bug.kind(), ErrorKind::kInternal);
  EXPECT_STREQ(bug.what(), "expected a tensor");
}

TEST(CaughtError, IsPrintedAndGivesTheExitCode) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(report_error(Error(ErrorKind::kDevice, "there is no GPU 0", "nvidia-smi")), 5);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "error[device]: there is no GPU 0\nhint: nvidia-smi\n");
}

TEST(Result, ThrowsItsErrorWhenTheValueIsDemanded) {
  Result<int> result = Error(ErrorKind::kData, "no value");
  EXPECT_FALSE(result);
  EXPECT_THROW(std::move(result).value_or_throw(), Error);
}

TEST(Result, GivesItsValue) { EXPECT_EQ(Result<int>(7).value_or_throw(), 7); }

TEST(NearestName, FindsATypo) {
  const std::vector<std::string> names = {"train", "tokenizer", "eval"};
  EXPECT_EQ(nearest_name("trian", names), "train");
  EXPECT_EQ(nearest_name("tokeniser", names), "tokenizer");
}

TEST(NearestName, SaysNothingWhenNothingIsNear) {
  const std::vector<std::string> names = {"train", "eval"};
  EXPECT_EQ(nearest_name("checkpoint", names), "");
}

TEST(NearestName, TakesTheFirstOfEquallyNearNames) {
  const std::vector<std::string> names = {"abcd", "abce"};
  EXPECT_EQ(nearest_name("abcx", names), "abcd");
}

TEST(ShellLine, QuotesWordsThatAShellWouldTakeForSomethingElse) {
  EXPECT_EQ(shell_line({"eval", "a/b-1.h5", "a b", "it's", ""}), "eval a/b-1.h5 'a b' 'it'\\''s' ''");
}

}  // namespace
}  // namespace reprise
