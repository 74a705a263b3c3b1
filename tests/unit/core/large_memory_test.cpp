#include "reprise/core/large_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace reprise {
namespace {

TEST(MemoryPool, ABlockGivenBackIsUsedAgain) {
  MemoryPool pool;
  void* const first = pool.take(100000);
  pool.give(first, 100000);
  EXPECT_EQ(pool.take(100000), first);
}

TEST(MemoryPool, BlocksOfNearlyTheSameSizeServeOneAnother) {
  MemoryPool pool;
  void* const first = pool.take(1 << 20);
  pool.give(first, 1 << 20);
  EXPECT_EQ(pool.take((1 << 20) - 4), first);
}

TEST(MemoryPool, BlocksAreAlignedAndDoNotOverlap) {
  MemoryPool pool;
  std::set<char*> blocks;
  for (const std::size_t size : {std::size_t{1}, std::size_t{64}, std::size_t{65536}, std::size_t{3} << 20,
                                 std::size_t{100} << 20, std::size_t{5000}}) {
    auto* const block = static_cast<char*>(pool.take(size));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u) << size;
    std::memset(block, 1, size);
    for (const char* other : blocks) EXPECT_TRUE(other + 1 <= block || block + size <= other) << size;
    blocks.insert(block);
  }
  EXPECT_EQ(blocks.size(), 6u);
}

TEST(MemoryPool, HasNoBlockOfNearlyAllAddresses) {
  MemoryPool pool;
  for (const std::size_t size : {~std::size_t{0}, ~std::size_t{0} - 3, ~std::size_t{0} / 2 + 1}) {
    EXPECT_THROW(pool.take(size), std::bad_alloc) << size;
  }
  EXPECT_EQ(pool.bytes_reserved(), 0u);
}

TEST(MemoryPool, AsksTheSystemForNothingOnceItHasSeenTheWork) {
  MemoryPool pool;
  const auto work = [&pool] {
    void* const a = pool.take(1 << 20);
    void* const b = pool.take(3 << 20);
    pool.give(a, 1 << 20);
    void* const c = pool.take(1 << 20);
    pool.give(b, 3 << 20);
    pool.give(c, 1 << 20);
  };
  work();
  const std::size_t reserved = pool.bytes_reserved();
  for (int i = 0; i < 100; ++i) work();
  EXPECT_EQ(pool.bytes_reserved(), reserved);
}

TEST(MemoryPool, ThreadsNeverHoldTheSameBlock) {
  MemoryPool pool;
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([&pool, id] {
      for (int i = 0; i < 200; ++i) {
        auto* const block = static_cast<unsigned char*>(pool.take(10000));
        std::memset(block, id, 10000);
        std::this_thread::yield();
        for (std::size_t j = 0; j < 10000; ++j) ASSERT_EQ(block[j], id);
        pool.give(block, 10000);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(HugePages, AdviceLeavesValuesAlone) {
  std::vector<char> values(9 << 20, 'x');
  advise_huge_pages(values.data(), values.size());
  EXPECT_EQ(std::count(values.begin(), values.end(), 'x'), std::ptrdiff_t{9} << 20);
}

}  // namespace
}  // namespace reprise
