#include "reprise/core/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
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

/// Lets this process take 100 MB more of addresses, which is not enough for the stacks of many threads.
void limit_addresses() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t most = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + (100 << 20);
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_AS, &limit);
}

/// Asks for 1000 threads and returns the exit code of what is thrown, or 0.
int start_too_many_threads() {
  try {
    const ThreadPool pool(1000);
    return 0;
  } catch (const Error& error) {
    return std::string(error.what()).find("1000 threads") == std::string::npos ? 100 : exit_code(error.kind());
  }
}

TEST(ThreadPool, ThatCannotStartItsThreadsIsAnErrorThatNamesTheirNumber) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs more addresses than the limit leaves";
#endif
  const pid_t child = ::fork();
  if (child == 0) {
    limit_addresses();
    ::_exit(start_too_many_threads());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 5);
}

TEST(ThreadPool, RefusesNoThreads) { EXPECT_THROW(ThreadPool(0), Error); }

}  // namespace
}  // namespace reprise
