// Ranks as threads of one process.

#include "reprise/dist/local_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "reprise/core/error.h"

namespace reprise::dist {
namespace {

using ::testing::HasSubstr;

template <typename Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return std::string(to_string(error.kind())) + ": " + error.what();
  }
  return "no error";
}

TEST(LocalGroupTest, ExchangesAllToAll) {
  for (int num_ranks : {1, 2, 5}) {
    run_local_group(num_ranks, [&](Communicator& ranks) {
      for (int round = 0; round < 20; ++round) {
        std::vector<std::vector<std::byte>> out;
        std::vector<std::vector<std::byte>> in;
        for (int r = 0; r < num_ranks; ++r) {
          out.emplace_back(static_cast<std::size_t>(ranks.rank() * 3 + r), std::byte(10 * ranks.rank() + r));
          in.emplace_back(static_cast<std::size_t>(r * 3 + ranks.rank()));
        }
        const std::vector<std::span<const std::byte>> send(out.begin(), out.end());
        const std::vector<std::span<std::byte>> receive(in.begin(), in.end());
        ranks.all_to_all(send, receive);
        for (int r = 0; r < num_ranks; ++r) {
          for (const std::byte b : in[static_cast<std::size_t>(r)]) ASSERT_EQ(b, std::byte(10 * r + ranks.rank()));
        }
      }
    });
  }
}

TEST(LocalGroupTest, BroadcastsFromAnyRootAndCountsBytesSent) {
  run_local_group(3, [](Communicator& ranks) {
    std::vector<std::byte> bytes(100, std::byte(ranks.rank()));
    ranks.broadcast(bytes, 2);
    EXPECT_EQ(bytes, std::vector<std::byte>(100, std::byte(2)));
    EXPECT_EQ(ranks.bytes_sent(), ranks.rank() == 2 ? 200u : 0u);
  });
}

TEST(LocalGroupTest, BarrierWaitsForEveryRank) {
  std::atomic<int> before{0};
  run_local_group(4, [&](Communicator& ranks) {
    for (int round = 1; round <= 50; ++round) {
      ++before;
      ranks.barrier();
      EXPECT_GE(before.load(), 4 * round);
      ranks.barrier();
    }
  });
}

TEST(LocalGroupTest, RankThatThrowsWakesTheOthersAndIsTheErrorReported) {
  const std::string message = error_of([] {
    run_local_group(3, [](Communicator& ranks) {
      if (ranks.rank() == 1) throw Error(ErrorKind::kData, "the test asks for it");
      ranks.barrier();
      ranks.barrier();
    });
  });
  EXPECT_EQ(message, "data: the test asks for it");
}

TEST(LocalGroupTest, MessageOfAnotherSizeFailsOnEveryRank) {
  std::atomic<int> failed{0};
  run_local_group(3, [&](Communicator& ranks) {
    std::vector<std::byte> bytes(ranks.rank() == 2 ? 7 : 9);
    const std::string message = error_of([&] { ranks.broadcast(bytes, 0); });
    EXPECT_THAT(message, HasSubstr("rank 0 sends 9 bytes, rank 2 expects 7"));
    ++failed;
  });
  EXPECT_EQ(failed.load(), 3);
}

TEST(LocalGroupTest, AbortEndsTheCollectiveCallsOfAll) {
  const std::string message = error_of([] {
    run_local_group(2, [](Communicator& ranks) {
      if (ranks.rank() == 0) ranks.abort(5, "out of paper");
      ranks.barrier();
    });
  });
  EXPECT_EQ(message, "distributed: rank 0 ended the run with exit code 5: out of paper");
}

TEST(LocalGroupTest, DuplicateServesASecondThreadOfEveryRankAtTheSameTime) {
  run_local_group(3, [](Communicator& ranks) {
    const std::unique_ptr<Communicator> second = ranks.duplicate();
    const auto gather_many = [](Communicator& communicator, int offset) {
      for (int round = 0; round < 200; ++round) {
        const std::vector<std::byte> mine(7, std::byte(communicator.rank() + offset));
        std::vector<std::vector<std::byte>> all(3, std::vector<std::byte>(7));
        const std::vector<std::span<std::byte>> receive(all.begin(), all.end());
        communicator.all_gather(mine, receive);
        for (int r = 0; r < 3; ++r) ASSERT_EQ(all[static_cast<std::size_t>(r)][6], std::byte(r + offset));
      }
    };
    std::thread other([&] { gather_many(*second, 100); });
    gather_many(ranks, 10);
    other.join();
  });
}

TEST(LocalGroupTest, RanksThatDoNotComeAreNamedWhenThePatienceIsOver) {
  std::atomic<int> failed{0};
  run_local_group(4, [&](Communicator& ranks) {
    ranks.set_patience(std::chrono::seconds(1));
    if (ranks.rank() % 2 == 1) {
      while (failed < 2) std::this_thread::yield();
      return;
    }
    const std::string message = error_of([&] { ranks.barrier(); });
    EXPECT_THAT(message, HasSubstr("distributed: ranks 1, 3 have not come for 1 s; rank "));
    ++failed;
  });
}

TEST(LocalGroupTest, DuplicateHasThePatienceOfItsOriginal) {
  run_local_group(2, [](Communicator& ranks) {
    ranks.set_patience(std::chrono::seconds(17));
    EXPECT_EQ(ranks.duplicate()->patience(), std::chrono::seconds(17));
  });
}

/// Asks for 1000 ranks with addresses for the stacks of few; returns the exit code of what is thrown, or 0.
int start_too_many_ranks() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t most = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + (100 << 20);
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_AS, &limit);
  try {
    run_local_group(1000, [](Communicator& ranks) { ranks.barrier(); });
    return 0;
  } catch (const Error& error) {
    return std::string(error.what()).find("1000 ranks") == std::string::npos ? 100 : exit_code(error.kind());
  }
}

TEST(LocalGroupTest, OfMoreRanksThanThreadsCanBeStartedIsAnError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs more addresses than the limit leaves";
#endif
  const pid_t child = ::fork();
  if (child == 0) ::_exit(start_too_many_ranks());
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 5);
}

TEST(LocalCommunicatorTest, IsOneRankThatTalksToItself) {
  const std::unique_ptr<Communicator> ranks = make_local_communicator();
  EXPECT_EQ(ranks->size(), 1);
  const std::vector<std::byte> mine(4, std::byte{9});
  std::vector<std::byte> got(4);
  const std::vector<std::span<std::byte>> receive{got};
  ranks->all_gather(mine, receive);
  EXPECT_EQ(got, mine);
  EXPECT_EQ(ranks->bytes_sent(), 0u);
}

TEST(LocalCommunicatorTest, RefusesAMessageOfAnotherSize) {
  const std::unique_ptr<Communicator> ranks = make_local_communicator();
  const std::vector<std::byte> mine(4);
  std::vector<std::byte> got(3);
  const std::vector<std::span<std::byte>> receive{got};
  EXPECT_THAT(error_of([&] { ranks->all_gather(mine, receive); }),
              HasSubstr("distributed: message sizes do not match"));
}

TEST(LocalCommunicatorDeathTest, AbortEndsTheProcessWithTheGivenStatus) {
  EXPECT_EXIT(make_local_communicator()->abort(6, "out of paper"), ::testing::ExitedWithCode(6), "out of paper");
}

}  // namespace
}  // namespace reprise::dist
