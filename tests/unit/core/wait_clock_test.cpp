#include "reprise/core/wait_clock.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(WaitClockTest, AddsUpTheTimeBetweenItsTicks) {
  const WaitClock::Clock::time_point start{};
  WaitClock clock(start);
  clock.tick(start + milliseconds(300));
  clock.tick(start + milliseconds(1100));
  EXPECT_EQ(clock.waited(), milliseconds(1100));
}

TEST(WaitClockTest, CountsAGapAsOneSecondBecauseTheProcessWasItselfStopped) {
  const WaitClock::Clock::time_point start{};
  WaitClock clock(start);
  clock.tick(start + seconds(3600));
  EXPECT_EQ(clock.waited(), seconds(1));
}

TEST(WaitClockTest, ExceedsAPatienceOnlyBehindItAndNeverOneOfZero) {
  const WaitClock::Clock::time_point start{};
  WaitClock clock(start);
  for (int i = 1; i <= 20; ++i) clock.tick(start + milliseconds(100 * i));
  EXPECT_FALSE(clock.exceeds(seconds(2)));
  EXPECT_TRUE(clock.exceeds(seconds(1)));
  EXPECT_FALSE(clock.exceeds(seconds(0)));
}

}  // namespace
}  // namespace reprise
