#include "reprise/logs/follow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "sample_log.h"

namespace reprise::logs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What came, in words: "header", "step 3", "checkpoint 4".
std::vector<std::string> words(const RunLogFollower::News& news) {
  std::vector<std::string> out;
  for (const RunRecord& record : news.records) {
    if (record.header) out.push_back("header");
    if (record.step) out.push_back("step " + std::to_string(record.step->step));
    if (record.checkpoint) out.push_back("checkpoint " + std::to_string(record.checkpoint->step));
  }
  return out;
}

class Follow : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "run.log";
};

TEST_F(Follow, WaitsForALogAndGivesEachRecordOnceAsItComes) {
  RunLogFollower follower(path_);
  EXPECT_THAT(words(follower.poll()), IsEmpty());
  RunLogWriter writer = RunLogWriter::create(path_, sample_header());
  writer.append(sample_checkpoint(0));
  EXPECT_THAT(words(follower.poll()), ElementsAre("header", "checkpoint 0"));
  EXPECT_THAT(words(follower.poll()), IsEmpty());
  writer.append(sample_step(1));
  writer.append(sample_step(2));
  EXPECT_THAT(words(follower.poll()), ElementsAre("step 1", "step 2"));
}

TEST_F(Follow, LeavesATornRecordUntilItIsWhole) {
  write_sample_log(path_, 2);
  const std::string whole = read_file(path_);
  overwrite(path_, whole.substr(0, whole.size() - 5));
  RunLogFollower follower(path_);
  EXPECT_THAT(words(follower.poll()), ElementsAre("header", "checkpoint 0", "step 1", "step 2"));
  overwrite(path_, whole);
  EXPECT_THAT(words(follower.poll()), ElementsAre("checkpoint 2"));
}

TEST_F(Follow, DoesNotRepeatTheStepsThatAResumeMakesAgain) {
  write_sample_log(path_, 5);
  RunLogFollower follower(path_);
  EXPECT_EQ(follower.poll().records.size(), 9u);
  RunLogWriter writer = RunLogWriter::resume(path_, 2);
  const RunLogFollower::News cut = follower.poll();
  EXPECT_TRUE(cut.cut);
  EXPECT_THAT(words(cut), IsEmpty());
  writer.append(sample_step(3));
  writer.append(sample_step(4));
  writer.append(sample_checkpoint(4));
  EXPECT_THAT(words(follower.poll()), IsEmpty());
  writer.append(sample_step(5));
  writer.append(sample_step(6));
  writer.append(sample_checkpoint(6));
  const RunLogFollower::News news = follower.poll();
  EXPECT_FALSE(news.cut);
  EXPECT_THAT(words(news), ElementsAre("step 6", "checkpoint 6"));
}

TEST_F(Follow, SaysThatAnotherRunHasTakenThePlace) {
  write_sample_log(path_, 5);
  RunLogFollower follower(path_);
  follower.poll();
  std::filesystem::remove(path_);
  RunHeader other = sample_header();
  other.run_name = "other";
  RunLogWriter writer = RunLogWriter::create(path_, other);
  writer.append(sample_step(1));
  const RunLogFollower::News news = follower.poll();
  EXPECT_TRUE(news.another);
  EXPECT_FALSE(news.cut);
  EXPECT_THAT(words(news), ElementsAre("header", "step 1"));
}

TEST_F(Follow, KnowsTheLogOfAnotherRunThatIsAsLongOrLonger) {
  RunHeader other = sample_header();
  other.run_name = "elpmas";
  for (const std::uint64_t more : {0, 1}) {
    std::filesystem::remove(path_);
    write_sample_log(path_, 1);
    const std::uintmax_t size = std::filesystem::file_size(path_);
    RunLogFollower follower(path_);
    follower.poll();
    std::filesystem::remove(path_);
    RunLogWriter writer = RunLogWriter::create(path_, other);
    writer.append(sample_checkpoint(0));
    for (std::uint64_t step = 1; step <= 1 + more; ++step) writer.append(sample_step(step));
    EXPECT_EQ(std::filesystem::file_size(path_) == size, more == 0);
    const RunLogFollower::News news = follower.poll();
    EXPECT_TRUE(news.another);
    EXPECT_EQ(news.records.size(), 3 + more);
  }
}

TEST_F(Follow, DamageIsAnError) {
  write_sample_log(path_, 3);
  std::string bytes = read_file(path_);
  bytes[bytes.size() / 2] ^= 1;
  overwrite(path_, bytes);
  RunLogFollower follower(path_);
  EXPECT_THROW(follower.poll(), Error);
}

TEST_F(Follow, ALogThatCannotBeReadIsAnErrorAndNoReasonToWait) {
  std::filesystem::create_symlink(path_, path_);  // which root cannot open either
  RunLogFollower follower(path_);
  try {
    follower.poll();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), HasSubstr("cannot open: " + path_.string()));
  }
}

TEST_F(Follow, GivesSessionEventsAsTheyCome) {
  SessionLogFollower follower(folder_ / "session.log");
  EXPECT_THAT(follower.poll(), IsEmpty());
  SessionLogWriter writer(folder_ / "session.log");
  SessionEvent event;
  event.step = 20;
  writer.append(event);
  ASSERT_EQ(follower.poll().size(), 1u);
  event.step = 40;
  writer.append(event);
  const std::vector<SessionEvent> news = follower.poll();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].step, 40u);
}

}  // namespace
}  // namespace reprise::logs
