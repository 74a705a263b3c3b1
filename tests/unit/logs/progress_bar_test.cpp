#include "reprise/logs/progress_bar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "progress_printer.h"

namespace reprise::logs {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class Progress : public ::testing::Test {
 protected:
  ProgressPrinter printer(bool terminal, int columns = 100) {
    ProgressOutput output;
    output.write = [this](std::string_view text) { writes_.emplace_back(text); };
    output.seconds = [this] { return now_; };
    output.terminal = terminal;
    output.columns = columns;
    return ProgressPrinter(std::move(output));
  }

  std::vector<std::string> writes_;
  double now_ = 1000;
};

TEST_F(Progress, LogGetsALineEveryTenPercentAndALastOne) {
  ProgressPrinter progress = printer(false);
  progress.begin("training", 100, "steps");
  for (int i = 1; i <= 100; ++i) {
    now_ += 0.3;
    progress.update(i, "loss 3.21");
  }
  progress.end();
  ASSERT_EQ(writes_.size(), 11u);
  EXPECT_EQ(writes_[0], "training: 10/100 steps (10%), 3.33/s, ETA 27s, loss 3.21\n");
  EXPECT_EQ(writes_[10], "training: 100/100 steps, 3.33/s, took 30s, loss 3.21\n");
}

TEST_F(Progress, LogGetsALineEveryFiveSecondsOfSlowWork) {
  ProgressPrinter progress = printer(false);
  progress.begin("training", 1000, "steps");
  for (int i = 1; i <= 20; ++i) {
    now_ += 1;
    progress.update(i, {});
  }
  EXPECT_EQ(writes_.size(), 4u);
  EXPECT_THAT(writes_[0], HasSubstr("training: 5/1000 steps (0%), 1.00/s, ETA 16m35s"));
}

TEST_F(Progress, LogIsNotFloodedByFastWork) {
  ProgressPrinter progress = printer(false);
  progress.begin("reading", 100, "documents");
  for (int i = 1; i <= 100; ++i) {
    now_ += 0.001;
    progress.update(i, {});
  }
  progress.end();
  ASSERT_EQ(writes_.size(), 1u);
  EXPECT_THAT(writes_[0], HasSubstr("reading: 100/100 documents"));
}

TEST_F(Progress, UnknownTotalShowsCountsOnly) {
  ProgressPrinter progress = printer(false);
  progress.begin("reading", 0, "bytes");
  now_ += 10;
  progress.update(50000, {});
  EXPECT_EQ(writes_.at(0), "reading: 50000 bytes, 5.0k/s\n");
}

TEST_F(Progress, TerminalDrawsOneLineAgainAndAgain) {
  ProgressPrinter progress = printer(true);
  progress.begin("training", 200, "steps");
  now_ += 10;
  progress.update(100, "loss 3.21");
  EXPECT_EQ(writes_.back(), "\r\033[Ktraining [############............]  50% 100/200 steps 10/s ETA 10s loss 3.21");
  progress.end();
  EXPECT_THAT(writes_.back(), AllOf(HasSubstr("training: 100/200 steps"), EndsWith("\n")));
}

TEST_F(Progress, TerminalIsDrawnAtMostTenTimesASecond) {
  ProgressPrinter progress = printer(true);
  progress.begin("training", 1000, "steps");
  for (int i = 1; i <= 1000; ++i) {
    now_ += 0.001;
    progress.update(i, {});
  }
  EXPECT_LE(writes_.size(), 12u);
}

TEST_F(Progress, TerminalLineNeverWraps) {
  ProgressPrinter progress = printer(true, 40);
  progress.begin("a phase with a long name", 200, "sequences of tokens");
  now_ += 1;
  progress.update(7, "loss 3.21, another figure");
  for (const std::string& text : writes_) EXPECT_LE(text.size(), 39 + 4) << text;
}

TEST_F(Progress, FullBarAtTheEndAndNotBeyond) {
  ProgressPrinter progress = printer(true);
  progress.begin("x", 10, "y");
  now_ += 1;
  progress.update(12, {});
  EXPECT_THAT(writes_.back(), AllOf(HasSubstr("[########################] 100%"), Not(HasSubstr("ETA"))));
}

TEST_F(Progress, NextPhaseEndsTheOneBefore) {
  ProgressPrinter progress = printer(false);
  progress.begin("one", 10, "y");
  progress.begin("two", 10, "y");
  EXPECT_THAT(writes_.at(0), HasSubstr("one: 0/10 y"));
}

TEST(ProgressText, Durations) {
  EXPECT_EQ(duration_text(0.4), "0s");
  EXPECT_EQ(duration_text(59.4), "59s");
  EXPECT_EQ(duration_text(59.6), "1m00s");
  EXPECT_EQ(duration_text(3725), "1h02m");
}

TEST(ProgressText, Counts) {
  EXPECT_EQ(count_text(0.5), "0.50");
  EXPECT_EQ(count_text(950), "950");
  EXPECT_EQ(count_text(12345), "12.3k");
  EXPECT_EQ(count_text(4560000), "4.6M");
}

TEST(ProgressBar, QuietShowsNothing) {
  ::testing::internal::CaptureStderr();
  const auto progress = make_progress(true);
  progress->begin("x", 10, "y");
  progress->update(10, "z");
  progress->end();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace reprise::logs
