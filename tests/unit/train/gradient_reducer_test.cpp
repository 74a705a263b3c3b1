// Gradients in parts on a device: added there, and exchanged beside the device's work, from the host's memory or from
// device to device. The device is the CPU, with copies that are done when they are waited for.

#include "gradient_reducer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "cpu_device.h"
#include "forwarding_communicator.h"
#include "gpu_communicator.h"
#include "reprise/core/error.h"
#include "reprise/dist/local_group.h"

namespace reprise::train {
namespace {

constexpr std::int64_t kGrains = 11;  // of two ranks, both end with several sums
const std::vector<ChunkRange> kParts = {{3, 4}, {1, 3}, {0, 1}};

/// Three tensors, one in each part.
TensorLayout small_layout() { return TensorLayout({{"a", {500}, true}, {"b", {5000}, true}, {"c", {4096}, true}}); }

/// Copies late, and looks whether the rules of Device are kept.
class LateDevice final : public numerics::CpuDevice {
 public:
  ~LateDevice() override { EXPECT_TRUE(in_use_.empty()) << "memory was not given back"; }

  void* take(std::size_t num_bytes) override {
    EXPECT_EQ(std::this_thread::get_id(), owner_) << "a device's memory is taken by another thread";
    void* const block = CpuDevice::take(num_bytes);
    const std::lock_guard lock(mutex_);
    in_use_[block] = 0;
    sizes_[block] = num_bytes;
    return block;
  }
  void give(void* block, std::size_t num_bytes) override {
    EXPECT_EQ(std::this_thread::get_id(), owner_) << "a device's memory is given back by another thread";
    {
      const std::lock_guard lock(mutex_);
      EXPECT_EQ(in_use_[block], 0) << "memory is given back while it is copied";
      in_use_.erase(block);
    }
    auto* const floats = static_cast<float*>(block);
    std::fill(floats, floats + num_bytes / sizeof(float), std::nanf(""));
    CpuDevice::give(block, num_bytes);
  }
  std::function<void()> begin_read(void* to_host, const void* from, std::size_t num_bytes) override {
    ++num_reads;
    if (num_reads == failing_begin) throw Error(ErrorKind::kDevice, "no copy can begin");
    if (num_reads == failing_wait) return [] { throw Error(ErrorKind::kDevice, "a copy fails"); };
    add_reader(from, 1);
    return [this, to_host, from, num_bytes, done = std::make_shared<bool>(false)] {
      if (std::exchange(*done, true)) return;
      std::memcpy(to_host, from, num_bytes);
      add_reader(from, -1);
      ++num_finished;
    };
  }
  std::function<void()> mark() override {
    return [this, done = std::make_shared<bool>(false)] { num_marks_reached += std::exchange(*done, true) ? 0 : 1; };
  }
  bool is_memory_in_use(const void* begin, std::size_t num_bytes) {
    const std::lock_guard lock(mutex_);
    auto block = in_use_.upper_bound(begin);
    if (block == in_use_.begin()) return false;
    --block;
    const auto offset = static_cast<const std::byte*>(begin) - static_cast<const std::byte*>(block->first);
    return static_cast<std::size_t>(offset) + num_bytes <= sizes_[block->first];
  }

  int num_reads = 0;
  std::atomic<int> num_finished{0}, num_marks_reached{0};
  int failing_begin = 0, failing_wait = 0;  // which of the reads; 0: none

 private:
  void add_reader(const void* block, int more) {
    const std::lock_guard lock(mutex_);
    in_use_[block] += more;
  }

  std::thread::id owner_ = std::this_thread::get_id();
  std::mutex mutex_;                   // guards what follows
  std::map<const void*, int> in_use_;  // and by how many copies
  std::map<const void*, std::size_t> sizes_;
};

/// Exchanges what lies on LateDevices, behind the work on it.
class BetweenLateDevices final : public GpuCommunicator {
 public:
  BetweenLateDevices(dist::Communicator& inner, LateDevice& device) : GpuCommunicator(inner, 0), device_(device) {}

 protected:
  void check(std::span<const std::byte> bytes) const override {
    EXPECT_TRUE(bytes.empty() || device_.is_memory_in_use(bytes.data(), bytes.size()));
  }

 private:
  LateDevice& device_;
};

/// Tells when an exchange begins.
class WatchedCommunicator final : public ForwardingCommunicator {
 public:
  using ForwardingCommunicator::ForwardingCommunicator;
  void all_to_all(std::span<const std::span<const std::byte>> send,
                  std::span<const std::span<std::byte>> receive) override {
    {
      const std::lock_guard lock(mutex_);
      has_begun_ = true;
      changed_.notify_all();
    }
    ForwardingCommunicator::all_to_all(send, receive);
  }

  /// Returns false when none begins; the time is for a machine that is busy.
  bool wait_for_an_exchange() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return has_begun_; });
  }

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool has_begun_ = false;
};

float gradient_of(std::int64_t grain, std::int64_t element) {
  return std::sin(static_cast<float>(1 + grain * 7919 + element)) * 1e3f;
}

/// What a rank has.
struct Rank {
  Rank(dist::Communicator& communicator, numerics::Device* device, numerics::Device* exchanges_on = nullptr)
      : exchange(kGrains, layout, kParts, communicator, exchanges_on),
        reducer(kGrains, layout, kParts, exchange, communicator.rank(), communicator.size(), device) {}

  void give(std::size_t part) {
    const std::int64_t first = kParts[part].begin * kChunkElements;
    for (std::int64_t grain = reducer.my_grains().begin; grain < reducer.my_grains().end; ++grain) {
      dist::GradientBuffer buffer = reducer.take(part);
      for (std::int64_t i = 0; i < kParts[part].size() * kChunkElements; ++i) {
        buffer[static_cast<std::size_t>(i)] = gradient_of(grain, first + i);
      }
      reducer.give(grain, part, std::move(buffer));
    }
  }
  std::vector<float> finish() {
    const SliceSums sums = reducer.finish();
    EXPECT_EQ(sums.sums.size(), 1u);
    std::vector<float> slice(sums.sums[0], sums.sums[0] + exchange.my_slice().size() * kChunkElements);
    reducer.release();
    return slice;
  }

  TensorLayout layout = small_layout();
  SliceExchange exchange;
  GradientReducer reducer;
};

/// All of the sum, in the host's memory.
std::vector<float> expected_sum() {
  const auto communicator = dist::make_local_communicator();
  Rank rank(*communicator, nullptr);
  rank.reducer.begin();
  for (std::size_t part = 0; part < kParts.size(); ++part) rank.give(part);
  return rank.finish();
}

void expect_slice(const std::vector<float>& slice, std::int64_t first_chunk) {
  const std::vector<float> expected = expected_sum();
  const auto begin = expected.begin() + first_chunk * kChunkElements;
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  EXPECT_TRUE(std::equal(slice.begin(), slice.end(), begin, [&](float a, float b) { return bits(a) == bits(b); }));
}

TEST(GradientsOnADevice, AreExchangedBesideTheRestOfThePass) {
  dist::run_local_group(2, [](dist::Communicator& inner) {
    WatchedCommunicator communicator(inner);
    LateDevice device;
    Rank rank(communicator, &device);
    rank.reducer.begin();
    rank.give(0);
    EXPECT_TRUE(communicator.wait_for_an_exchange());  // of the first part, before there is a second one
    rank.give(1);
    rank.give(2);
    expect_slice(rank.finish(), rank.exchange.my_slice().begin);
  });
}

TEST(GradientsOnADevice, HaveTheBitsOfTheCpuStepAfterStepOnAnyNumberOfRanks) {
  for (const int num_ranks : {1, 2, 3, 5, 13}) {
    dist::run_local_group(num_ranks, [](dist::Communicator& communicator) {
      LateDevice device;
      Rank rank(communicator, &device);
      for (int step = 0; step < 3; ++step) {
        rank.reducer.begin();
        for (std::size_t part = 0; part < kParts.size(); ++part) rank.give(part);
        expect_slice(rank.finish(), rank.exchange.my_slice().begin);
      }
      const auto sums = rank.reducer.my_grains().size() == 0
                            ? std::size_t{0}
                            : dist::maximal_subtrees(kGrains, rank.reducer.my_grains()).size();
      EXPECT_EQ(device.num_reads, static_cast<int>(3 * kParts.size() * sums));
    });
  }
}

TEST(GradientsBetweenDevices, HaveTheBitsOfTheCpuStepAfterStepOnAnyNumberOfRanks) {
  for (const int num_ranks : {2, 3, 5, 13}) {
    dist::run_local_group(num_ranks, [](dist::Communicator& inner) {
      LateDevice device;
      BetweenLateDevices communicator(inner, device);
      Rank rank(communicator, &device, &device);
      const bool has_grains = rank.reducer.my_grains().size() > 0;
      for (int step = 0; step < 3; ++step) {
        rank.reducer.begin();
        for (std::size_t part = 0; part < kParts.size(); ++part) rank.give(part);
        expect_slice(rank.finish(), rank.exchange.my_slice().begin);
        EXPECT_EQ(device.num_marks_reached, has_grains ? (step + 1) * static_cast<int>(kParts.size()) : 0);
      }
      EXPECT_EQ(device.num_reads, 0);
      EXPECT_EQ(communicator.num_exchanges_of_hosts, 0);
      EXPECT_GE(communicator.num_exchanges_of_gpus, 3 * static_cast<int>(kParts.size()));
    });
  }
}

/// Waits until the first part is exchanged, before there is a second one; the time is for a machine that is busy.
void begin_and_exchange_first_part(Rank& rank, const BetweenLateDevices& communicator) {
  rank.reducer.begin();
  rank.give(0);
  for (int turn = 0; turn < 60'000 && communicator.num_exchanges_of_gpus == 0; ++turn) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_GT(communicator.num_exchanges_of_gpus, 0);
}

TEST(GradientsBetweenDevices, AreExchangedBesideTheRestOfThePass) {
  dist::run_local_group(2, [](dist::Communicator& inner) {
    LateDevice device;
    BetweenLateDevices communicator(inner, device);
    Rank rank(communicator, &device, &device);
    begin_and_exchange_first_part(rank, communicator);
    rank.give(1);
    rank.give(2);
    expect_slice(rank.finish(), rank.exchange.my_slice().begin);
  });
}

TEST(GradientsBetweenDevices, AreNotSentBeforeTheWorkOnThemIsDone) {
  dist::run_local_group(2, [](dist::Communicator& inner) {
    class Unready final : public numerics::CpuDevice {
      std::function<void()> mark() override {
        return [] { throw Error(ErrorKind::kDevice, "the work on them fails"); };
      }
    } device;
    LateDevice ignored;
    BetweenLateDevices communicator(inner, ignored);
    Rank rank(communicator, &device, &device);
    rank.reducer.begin();
    for (std::size_t part = 0; part < kParts.size(); ++part) rank.give(part);
    EXPECT_THROW(rank.finish(), Error);
    EXPECT_EQ(communicator.num_exchanges_of_gpus, 0);
  });
}

TEST(GradientsBetweenDevices, EndTheStepWithTheErrorOfAnExchangeThatFails) {
  auto group = dist::make_local_group(2);
  group.pop_back();  // the other rank has left
  LateDevice device;
  BetweenLateDevices communicator(*group[0], device);
  Rank rank(communicator, &device, &device);
  rank.reducer.begin();
  for (std::size_t part = 0; part < kParts.size(); ++part) rank.give(part);
  EXPECT_THROW(rank.finish(), Error);
}

TEST(GradientsBetweenDevices, BeginAnewBehindAStepThatWasCancelled) {
  dist::run_local_group(2, [](dist::Communicator& inner) {
    LateDevice device;
    BetweenLateDevices communicator(inner, device);
    Rank rank(communicator, &device, &device);
    begin_and_exchange_first_part(rank, communicator);
    rank.reducer.cancel();  // on both ranks, which wait for the second part
    rank.reducer.begin();
    for (std::size_t part = 0; part < kParts.size(); ++part) rank.give(part);
    expect_slice(rank.finish(), rank.exchange.my_slice().begin);
  });
}

TEST(GradientsOnADevice, EndTheStepWithTheErrorOfACopyThatFails) {
  const auto communicator = dist::make_local_communicator();
  for (const int failing : {1, 2, 3}) {
    LateDevice device;
    Rank rank(*communicator, &device);
    device.failing_wait = failing;
    rank.reducer.begin();
    for (std::size_t part = 0; part < kParts.size(); ++part) rank.give(part);
    try {
      rank.finish();
      FAIL() << failing;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kDevice);
    }
  }
}

TEST(GradientsOnADevice, EndTheStepWithTheErrorOfAnExchangeThatFails) {
  auto group = dist::make_local_group(2);
  group.pop_back();  // the other rank has left
  LateDevice device;
  Rank rank(*group[0], &device);
  rank.reducer.begin();
  for (std::size_t part = 0; part < kParts.size(); ++part) rank.give(part);
  EXPECT_THROW(rank.finish(), Error);
}

TEST(GradientsOnADevice, WaitForCopiesUnderWayWhenTheStepIsCancelled) {
  const auto group = dist::make_local_group(2);
  LateDevice device;
  Rank rank(*group[0], &device);
  ASSERT_GT(dist::maximal_subtrees(kGrains, rank.reducer.my_grains()).size(), 1u);
  device.failing_begin = 2;  // the first copy is under way, and nobody was told of it
  rank.reducer.begin();
  EXPECT_THROW(rank.give(0), Error);
  rank.reducer.cancel();
  EXPECT_EQ(device.num_reads, 2);
  EXPECT_EQ(device.num_finished, 1);
}

}  // namespace
}  // namespace reprise::train
