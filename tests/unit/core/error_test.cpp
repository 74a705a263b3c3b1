#include "reprise/core/error.h"

#include <gtest/gtest.h>

#include "reprise/core/nearest_name.h"
#include "reprise/core/result.h"

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

}  // namespace
}  // namespace reprise
