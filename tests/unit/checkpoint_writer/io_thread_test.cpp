#include "io_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "reprise/core/error.h"

namespace reprise::train {
namespace {

using std::chrono::milliseconds;

TEST(IoThread, RunsEveryJobOnOneAndTheSameThread) {
  IoThread thread;
  std::thread::id first;
  std::thread::id second;
  thread.start([&] { first = std::this_thread::get_id(); });
  ASSERT_TRUE(thread.wait_for(milliseconds(60000)));
  thread.collect();
  thread.start([&] { second = std::this_thread::get_id(); });
  ASSERT_TRUE(thread.wait_for(milliseconds(60000)));
  thread.collect();
  EXPECT_EQ(first, second);
  EXPECT_NE(first, std::this_thread::get_id());
}

TEST(IoThread, TellsWhetherAJobRunsHasEndedOrHasFailed) {
  IoThread thread;
  std::atomic<bool> go{false};
  EXPECT_EQ(thread.job(), IoThread::Job::kNone);
  thread.start([&] {
    while (!go) std::this_thread::yield();
  });
  EXPECT_EQ(thread.job(), IoThread::Job::kRunning);
  EXPECT_FALSE(thread.wait_for(milliseconds(1)));
  go = true;
  ASSERT_TRUE(thread.wait_for(milliseconds(60000)));
  EXPECT_EQ(thread.job(), IoThread::Job::kEnded);
  thread.collect();
  thread.start([] { throw Error(ErrorKind::kIo, "disk full"); });
  ASSERT_TRUE(thread.wait_for(milliseconds(60000)));
  EXPECT_EQ(thread.job(), IoThread::Job::kFailed);
  EXPECT_THROW(thread.collect(), Error);
  EXPECT_EQ(thread.job(), IoThread::Job::kNone);
}

TEST(IoThread, FinishesTheJobAtHandBeforeItGoes) {
  std::atomic<bool> done{false};
  {
    IoThread thread;
    thread.start([&] {
      std::this_thread::sleep_for(milliseconds(50));
      done = true;
    });
  }
  EXPECT_TRUE(done);
}

TEST(IoThread, LeavesAnAbandonedJobBehind) {
  struct Shared {
    std::atomic<bool> go{false};
    std::atomic<bool> done{false};
  };
  const auto shared = std::make_shared<Shared>();
  {
    IoThread thread;
    thread.start([shared] {
      while (!shared->go) std::this_thread::yield();
      shared->done = true;
    });
    thread.abandon();
  }
  EXPECT_FALSE(shared->done);
  shared->go = true;
  while (!shared->done) std::this_thread::yield();
}

}  // namespace
}  // namespace reprise::train
