#include "reprise/core/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "reprise/core/error.h"

namespace reprise {
namespace {

TEST(ThreadPool, RunsEveryIndexOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (std::int64_t count : {0, 1, 2, 100}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
      pool.parallel_for(count, [&](std::int64_t i) { ++seen[static_cast<std::size_t>(i)]; });
      for (const auto& times : seen) EXPECT_EQ(times.load(), 1);
    }
  }
}

TEST(ThreadPool, CanBeUsedManyTimesInARow) {
  ThreadPool pool(3);
  std::atomic<std::int64_t> sum{0};
  for (int i = 0; i < 2000; ++i) pool.parallel_for(5, [&](std::int64_t j) { sum += j; });
  EXPECT_EQ(sum.load(), 2000 * 10);
}

TEST(ThreadPool, HandsAnExceptionToTheCallerAndGoesOnWorking) {
  ThreadPool pool(4);
  for (int i = 0; i < 50; ++i) {
    try {
      pool.parallel_for(4, [](std::int64_t j) { throw Error(ErrorKind::kNumeric, std::to_string(j)); });
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
    }
  }
  std::atomic<int> after{0};
  pool.parallel_for(4, [&](std::int64_t) { ++after; });
  EXPECT_EQ(after.load(), 4);
}

TEST(ThreadPool, RefusesNoThreads) { EXPECT_THROW(ThreadPool(0), Error); }

}  // namespace
}  // namespace reprise
