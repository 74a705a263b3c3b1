// The NCCL transport between threads of one process, over a double of NCCL: what arrives, and in which pieces it goes.

#include "nccl_communicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <mutex>
#include <random>
#include <thread>

#include "reprise/core/error.h"
#include "reprise/dist/local_group.h"
#include "reprise/dist/nccl.h"

namespace reprise::dist {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kMuch = std::size_t{1} << 20;

/// The transport looks for its libraries when the first communicator is made.
const bool kDoubleIsChosen = [] {
  const char* const library = REPRISE_BINARY_DIR "/tests/libnccl_double.so";
  return ::setenv("REPRISE_NCCL_LIBRARY", library, 1) == 0 && ::setenv("REPRISE_CUDART_LIBRARY", library, 1) == 0;
}();

std::byte pattern(int from, int to, std::size_t index) {
  return static_cast<std::byte>((static_cast<std::size_t>(from) * 31 + static_cast<std::size_t>(to) * 7 + index * 3) &
                                0xff);
}

std::vector<std::byte> message(int from, int to, std::size_t bytes) {
  std::vector<std::byte> all(bytes);
  for (std::size_t i = 0; i < bytes; ++i) all[i] = pattern(from, to, i);
  return all;
}

/// Runs `body` on `num_ranks` threads, each with a communicator of its own.
void run_ranks_over_nccl(int num_ranks, std::size_t staging_bytes, const std::function<void(NcclCommunicator&)>& body) {
  std::vector<std::unique_ptr<Communicator>> group = make_local_group(num_ranks);
  std::vector<std::thread> threads;
  std::exception_ptr failure;
  std::mutex mutex;
  for (auto& member : group) {
    threads.emplace_back([&, bootstrap = std::move(member)]() mutable {
      try {
        NcclCommunicator communicator(std::move(bootstrap), staging_bytes);
        body(communicator);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

/// Every pair's message has a size of its own: sizes[from][to].
using Sizes = std::vector<std::vector<std::size_t>>;

void exchange_and_check(NcclCommunicator& ranks, const Sizes& sizes) {
  const int me = ranks.rank();
  std::vector<std::vector<std::byte>> out;
  std::vector<std::vector<std::byte>> in;
  std::uint64_t expected = ranks.bytes_sent();
  for (int other = 0; other < ranks.size(); ++other) {
    out.push_back(message(me, other, sizes[static_cast<std::size_t>(me)][static_cast<std::size_t>(other)]));
    in.emplace_back(sizes[static_cast<std::size_t>(other)][static_cast<std::size_t>(me)]);
    if (other != me) expected += out.back().size();
  }
  const std::vector<std::span<const std::byte>> send(out.begin(), out.end());
  const std::vector<std::span<std::byte>> receive(in.begin(), in.end());
  ranks.all_to_all(send, receive);
  for (int other = 0; other < ranks.size(); ++other) {
    ASSERT_EQ(in[static_cast<std::size_t>(other)], message(other, me, in[static_cast<std::size_t>(other)].size()));
  }
  ASSERT_EQ(ranks.bytes_sent(), expected);
}

Sizes random_sizes(int num_ranks, std::size_t most, std::mt19937& random) {
  Sizes sizes(static_cast<std::size_t>(num_ranks), std::vector<std::size_t>(static_cast<std::size_t>(num_ranks)));
  for (auto& row : sizes) {
    for (std::size_t& bytes : row) bytes = random() % 3 == 0 ? 0 : random() % most;
  }
  return sizes;
}

TEST(NcclCommunicatorTest, DeliversMessagesOfDifferentSizesInAnyNumberOfPieces) {
  std::mt19937 random(1);
  for (const int num_ranks : {1, 2, 3, 5}) {
    for (const std::size_t staging_bytes : {std::size_t{1000}, std::size_t{7000}, kMuch}) {
      std::vector<Sizes> rounds;
      for (int round = 0; round < 3; ++round) rounds.push_back(random_sizes(num_ranks, 5000, random));
      run_ranks_over_nccl(num_ranks, staging_bytes, [&](NcclCommunicator& ranks) {
        EXPECT_EQ(ranks.backend(), "nccl");
        for (const Sizes& sizes : rounds) exchange_and_check(ranks, sizes);
      });
    }
  }
}

TEST(NcclCommunicatorTest, DeliversMessagesLargerThanASocketHolds) {
  const Sizes sizes(3, std::vector<std::size_t>(3, std::size_t{3} << 20));
  run_ranks_over_nccl(3, std::size_t{64} << 20, [&](NcclCommunicator& ranks) { exchange_and_check(ranks, sizes); });
}

TEST(NcclCommunicatorTest, GathersEqualAndUnequalSizes) {
  for (const std::size_t staging_bytes : {std::size_t{300}, kMuch}) {
    run_ranks_over_nccl(4, staging_bytes, [&](NcclCommunicator& ranks) {
      for (const bool equal : {true, false}) {
        const auto size_of = [&](int rank) { return equal ? std::size_t{1001} : static_cast<std::size_t>(rank) * 333; };
        std::vector<std::vector<std::byte>> in;
        for (int rank = 0; rank < ranks.size(); ++rank) in.emplace_back(size_of(rank));
        const std::vector<std::span<std::byte>> receive(in.begin(), in.end());
        const std::uint64_t before = ranks.bytes_sent();
        ranks.all_gather(message(ranks.rank(), 0, size_of(ranks.rank())), receive);
        for (int rank = 0; rank < ranks.size(); ++rank) {
          ASSERT_EQ(in[static_cast<std::size_t>(rank)], message(rank, 0, size_of(rank)));
        }
        ASSERT_EQ(ranks.bytes_sent() - before, size_of(ranks.rank()) * 3);
      }
    });
  }
}

/// Memory of the double's GPU, which is the host's.
class OnGpu {
 public:
  explicit OnGpu(std::span<const std::byte> values) : size_(values.size()) {
    load_nccl().cuda.malloc(reinterpret_cast<void**>(&memory_), size_);
    std::copy(values.begin(), values.end(), memory_);
  }
  ~OnGpu() { load_nccl().cuda.free(memory_); }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;
  std::span<std::byte> bytes() const { return {memory_, size_}; }

 private:
  std::byte* memory_ = nullptr;
  std::size_t size_;
};

TEST(NcclCommunicatorTest, MovesMessagesBetweenMemoriesOfGpusInOnePiece) {
  std::mt19937 random(2);
  const Sizes sizes = random_sizes(4, 5000, random);
  run_ranks_over_nccl(4, 100, [&](NcclCommunicator& ranks) {
    const auto me = static_cast<std::size_t>(ranks.rank());
    EXPECT_EQ(ranks.gpu(), ranks.rank());
    std::vector<std::unique_ptr<OnGpu>> out, in;
    std::vector<std::span<const std::byte>> send(4);
    std::vector<std::span<std::byte>> receive(4);
    std::uint64_t expected = 0;
    for (std::size_t other = 0; other < 4; ++other) {
      if (other == me) continue;
      out.push_back(std::make_unique<OnGpu>(message(ranks.rank(), static_cast<int>(other), sizes[me][other])));
      in.push_back(std::make_unique<OnGpu>(std::vector<std::byte>(sizes[other][me])));
      send[other] = out.back()->bytes();
      receive[other] = in.back()->bytes();
      expected += sizes[me][other];
    }
    ranks.all_to_all_on_gpu(send, receive);
    for (std::size_t other = 0; other < 4; ++other) {
      const std::vector<std::byte> got(receive[other].begin(), receive[other].end());
      if (other == me) continue;
      ASSERT_EQ(got, message(static_cast<int>(other), ranks.rank(), sizes[other][me]));
    }
    EXPECT_EQ(ranks.bytes_sent(), expected);
  });
}

// LibTorch asks for the last error behind its kernels.
TEST(NcclCommunicatorTest, LeavesNoErrorOfCudaBehindAWait) {
  run_ranks_over_nccl(2, kMuch, [](NcclCommunicator& ranks) {
    const OnGpu part(std::vector<std::byte>(std::size_t{8} << 20));
    std::vector<std::span<const std::byte>> send(2);
    std::vector<std::span<std::byte>> receive(2);
    // One rank sends late, so that the other one has asked before.
    if (ranks.rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (ranks.rank() == 0) send[1] = part.bytes();
    if (ranks.rank() == 1) receive[0] = part.bytes();
    ranks.all_to_all_on_gpu(send, receive);
    EXPECT_EQ(load_nccl().cuda.get_last_error(), kCudaSuccess);
  });
}

TEST(NcclCommunicatorTest, ARankThatLeavesEndsTheWaitOfOthersForMemoryOfGpus) {
  run_ranks_over_nccl(3, kMuch, [](NcclCommunicator& ranks) {
    const OnGpu whole(std::vector<std::byte>(300));
    ranks.barrier();
    if (ranks.rank() == 2) return;
    std::vector<std::span<std::byte>> parts;
    for (std::size_t rank = 0; rank < 3; ++rank) parts.push_back(whole.bytes().subspan(rank * 100, 100));
    EXPECT_THROW(ranks.all_gather_on_gpu(parts), Error);
    EXPECT_NE(ranks.lost_rank(), "");
    EXPECT_THROW(ranks.all_gather_on_gpu(parts), Error);  // it stays failed
  });
}

TEST(NcclCommunicatorTest, GathersPartsOfAnySizeInPlaceOnGpus) {
  const std::vector<std::size_t> sizes = {700, 0, 5000, 699};
  run_ranks_over_nccl(4, 100, [&](NcclCommunicator& ranks) {
    const OnGpu whole(std::vector<std::byte>(6399));
    std::vector<std::span<std::byte>> parts;
    std::size_t begin = 0;
    for (const std::size_t size : sizes) {
      parts.push_back(whole.bytes().subspan(begin, size));
      begin += size;
    }
    const std::span<std::byte> mine = parts[static_cast<std::size_t>(ranks.rank())];
    const std::vector<std::byte> values = message(ranks.rank(), 0, mine.size());
    std::copy(values.begin(), values.end(), mine.begin());
    ranks.all_gather_on_gpu(parts);
    for (int rank = 0; rank < 4; ++rank) {
      const std::span<std::byte> part = parts[static_cast<std::size_t>(rank)];
      ASSERT_EQ(std::vector<std::byte>(part.begin(), part.end()), message(rank, 0, part.size()));
    }
    EXPECT_EQ(ranks.bytes_sent(), mine.size() * 3);
  });
}

TEST(NcclCommunicatorTest, MemoryOfTheHostIsAnErrorOfTheDoubleBetweenGpus) {
  try {
    run_ranks_over_nccl(2, kMuch, [](NcclCommunicator& ranks) {
      std::vector<std::byte> bytes(10);
      const std::vector<std::span<std::byte>> parts(2, bytes);
      ranks.all_gather_on_gpu(parts);
    });
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDistributed);
  }
}

TEST(NcclCommunicatorTest, BroadcastsFromAnyRank) {
  run_ranks_over_nccl(3, 200, [](NcclCommunicator& ranks) {
    for (int root = 0; root < 3; ++root) {
      std::vector<std::byte> bytes(777);
      if (ranks.rank() == root) bytes = message(root, root, bytes.size());
      ranks.broadcast(bytes, root);
      ASSERT_EQ(bytes, message(root, root, 777));
    }
    ranks.broadcast({}, 0);
    ranks.barrier();
    ASSERT_EQ(ranks.bytes_sent(), 777u * 2);
  });
}

TEST(NcclCommunicatorTest, GivesASecondThreadACommunicatorOfTheBootstrap) {
  run_ranks_over_nccl(2, kMuch, [](NcclCommunicator& ranks) {
    const std::unique_ptr<Communicator> second = ranks.duplicate();
    EXPECT_EQ(second->backend(), "local");
    std::vector<std::byte> bytes(10, std::byte(ranks.rank() == 0 ? 9 : 0));
    second->broadcast(bytes, 0);
    EXPECT_EQ(bytes[9], std::byte(9));
  });
}

TEST(NcclCommunicatorTest, ARankThatLeavesEndsTheWaitOfTheOthers) {
  int failed = 0;
  std::mutex mutex;
  run_ranks_over_nccl(3, kMuch, [&](NcclCommunicator& ranks) {
    ranks.barrier();
    if (ranks.rank() == 2) return;
    std::vector<std::byte> bytes(100);
    const std::vector<std::span<std::byte>> receive(3, bytes);
    EXPECT_THROW(ranks.all_gather(bytes, receive), Error);
    EXPECT_NE(ranks.lost_rank(), "");
    EXPECT_THROW(ranks.barrier(), Error);  // it stays failed
    const std::lock_guard lock(mutex);
    ++failed;
  });
  EXPECT_EQ(failed, 2);
}

TEST(NcclCommunicatorTest, SizesThatDoNotMatchAreAnErrorOfTheDouble) {
  try {
    run_ranks_over_nccl(2, kMuch, [](NcclCommunicator& ranks) {
      std::vector<std::byte> bytes(ranks.rank() == 0 ? 10 : 20);
      ranks.broadcast(bytes, 0);
    });
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDistributed);
  }
}

TEST(NcclCommunicatorTest, RefusesMoreRanksThanGpusOnAMachine) {
  ::setenv("NCCL_DOUBLE_DEVICES", "2", 1);
  try {
    run_ranks_over_nccl(3, kMuch, [](NcclCommunicator&) {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDevice);
    EXPECT_THAT(error.what(), HasSubstr("3 ranks run on this machine, which has 2 GPUs"));
  }
  ::unsetenv("NCCL_DOUBLE_DEVICES");
}

TEST(NcclCommunicatorTest, TakesTheOneGpuThatATaskIsShown) {
  ::setenv("NCCL_DOUBLE_DEVICES", "1", 1);
  const Sizes sizes(3, std::vector<std::size_t>(3, 100));
  run_ranks_over_nccl(3, kMuch, [&](NcclCommunicator& ranks) { exchange_and_check(ranks, sizes); });
  ::unsetenv("NCCL_DOUBLE_DEVICES");
}

TEST(DescribeNcclTest, NamesVersionLibrariesAndGpus) {
  EXPECT_THAT(describe_nccl(), HasSubstr("2.28.9 ("));
  EXPECT_THAT(describe_nccl(), HasSubstr("libnccl_double.so), 8 GPUs"));
  ::setenv("NCCL_DOUBLE_DEVICES", "0", 1);
  EXPECT_THAT(describe_nccl(), HasSubstr("no GPU: no CUDA-capable device is detected"));
  ::unsetenv("NCCL_DOUBLE_DEVICES");
}

TEST(NcclVersionTest, IsReadFromItsCode) {
  EXPECT_EQ(nccl_version_text(22809), "2.28.9");
  EXPECT_EQ(nccl_version_text(NCCL_VERSION_CODE), "2.28.9");
}

}  // namespace
}  // namespace reprise::dist
