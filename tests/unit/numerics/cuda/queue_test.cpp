// Recordings in pieces and copies beside the work, on the emulated GPU, which copies as late as it may.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "reprise/core/error.h"
#include "two_devices.h"

namespace reprise::numerics {
namespace {

using testing::ElementsAre;

constexpr std::int64_t kCount = 3;
constexpr std::size_t kBytes = kCount * sizeof(float);

class Queue : public testing::Test {
 protected:
  std::vector<float> values(const float* from) { return memory.values(from, kCount); }
  void write(float* to, const std::vector<float>& from) { device->write(to, from.data(), kBytes); }
  void count(float* up) { device->add(kCount, up, one, up); }

  std::unique_ptr<Device> device = emulation::make_emulated_device();
  DeviceMemory memory{*device};
  float* const one = memory.copy_of(std::vector<float>{1, 1, 1});
  float* const x = memory.copy_of(std::vector<float>{10, 20, 30});
};
using Recording = Queue;
using CopyToTheHost = Queue;
using CopyToTheHostDeathTest = Queue;

/// Memory for copies to the host.
class HostMemory {
 public:
  explicit HostMemory(Device& device) : floats(static_cast<float*>(device.take_host(kBytes))), device_(device) {}
  ~HostMemory() { device_.give_host(floats, kBytes); }
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;
  std::vector<float> values() const { return {floats, floats + kCount}; }
  float* const floats;

 private:
  Device& device_;
};

TEST_F(Recording, RepeatsItsPiecesOneByOne) {
  float* const y = memory.output(kCount);
  const auto pieces = device->record([&] {
    device->add(kCount, x, one, y);
    device->end_piece();
    device->scale_in_place(kCount, 2, y);
    count(y);
    device->end_piece();
    device->copy(x, y, kBytes);
  });
  ASSERT_EQ(pieces.size(), 3u);
  write(x, {1, 2, 3});  // learning has run the pass, and keeping it has not
  pieces[0]();
  EXPECT_THAT(values(y), ElementsAre(2, 3, 4));
  write(y, {5, 6, 7});
  pieces[1]();
  EXPECT_THAT(values(y), ElementsAre(11, 13, 15));
  EXPECT_THAT(values(x), ElementsAre(1, 2, 3));
  pieces[2]();
  EXPECT_THAT(values(x), ElementsAre(11, 13, 15));
}

TEST_F(Recording, MayHavePiecesWithNothingInThem) {
  const auto pieces = device->record([&] {
    device->end_piece();
    count(x);
    device->end_piece();
    device->end_piece();
  });
  ASSERT_EQ(pieces.size(), 4u);
  write(x, {0, 0, 0});
  for (const auto& piece : pieces) piece();
  EXPECT_THAT(values(x), ElementsAre(1, 1, 1));
}

TEST_F(Recording, ItsPiecesShareMemoryThatNobodyElseGets) {
  const void* inside = nullptr;
  const auto pieces = device->record([&] {
    auto* const y = static_cast<float*>(device->take(kBytes));
    inside = y;
    device->add(kCount, x, one, y);
    device->end_piece();
    device->copy(x, y, kBytes);
    device->give(y, kBytes);
  });
  void* const outside = device->take(kBytes);
  EXPECT_NE(outside, inside);
  device->give(outside, kBytes);
  write(x, {1, 2, 3});
  for (const auto& piece : pieces) piece();
  EXPECT_THAT(values(x), ElementsAre(2, 3, 4));
}

TEST_F(Recording, ThatFailsBehindAPieceLeavesTheDeviceAsItWas) {
  for (const int failing_run : {1, 2}) {
    int run = 0;
    const auto fails = [&] {
      count(x);
      device->end_piece();
      count(x);
      if (++run == failing_run) throw std::runtime_error("no more");
    };
    EXPECT_THROW(device->record(fails), std::runtime_error);
    write(x, {1, 2, 3});
    count(x);  // done at once, and not kept
    EXPECT_THAT(values(x), ElementsAre(2, 3, 4));
    EXPECT_EQ(device->record([&] { count(x); }).size(), 1u);
  }
}

TEST_F(Recording, PiecesEndNowhereElse) {
  device->end_piece();
  count(x);
  device->end_piece();
  EXPECT_THAT(values(x), ElementsAre(11, 21, 31));
}

TEST_F(Recording, ReadsNothing) {
  const HostMemory host(*device);
  EXPECT_THROW(device->record([&] { device->begin_read(host.floats, x, kBytes); }), Error);
  count(x);
  EXPECT_THAT(values(x), ElementsAre(11, 21, 31));
}

TEST_F(CopyToTheHost, TakesWhatTheCallsBeforeLeftAndAnyThreadCanWaitForIt) {
  const HostMemory first(*device), second(*device);
  count(x);
  const auto wait_for_first = device->begin_read(first.floats, x, kBytes);
  float* const y = memory.output(kCount);
  device->add(kCount, x, x, y);
  const auto wait_for_second = device->begin_read(second.floats, y, kBytes);
  std::thread([&] {
    wait_for_second();
    wait_for_first();
    EXPECT_THAT(first.values(), ElementsAre(11, 21, 31));
    EXPECT_THAT(second.values(), ElementsAre(22, 42, 62));
  }).join();
  write(x, {0, 0, 0});
  wait_for_first();  // again: nothing is left to do
  EXPECT_THAT(first.values(), ElementsAre(11, 21, 31));
}

TEST_F(CopyToTheHost, UsesItsMemoryAgain) {
  void* const memory_of_host = device->take_host(kBytes);
  device->give_host(memory_of_host, kBytes);
  std::thread([&] {
    void* const again = device->take_host(kBytes);
    EXPECT_EQ(again, memory_of_host);
    void* const other = device->take_host(kBytes);
    EXPECT_NE(other, again);
    void* const larger = device->take_host(100 * kBytes);
    std::memset(larger, 1, 100 * kBytes);
    device->give_host(again, kBytes);
    device->give_host(other, kBytes);
    device->give_host(larger, 100 * kBytes);
  }).join();
}

TEST(CopyToTheHostAlone, MayBeLeftUnderWayWhenItsDeviceEnds) {
  const std::unique_ptr<Device> device = emulation::make_emulated_device();
  void* const from = device->take(kBytes);
  device->clear(from, kBytes);
  device->begin_read(device->take_host(kBytes), from, kBytes);
}

TEST_F(CopyToTheHostDeathTest, SeesThatItsSourceIsWrittenTooEarly) {
  const HostMemory host(*device);
  const auto read_too_late = [&] {
    const auto wait = device->begin_read(host.floats, x, kBytes);
    count(x);
    wait();
  };
  EXPECT_DEATH(read_too_late(), "written while it was copied");
  const auto given_too_early = [&] {
    void* const block = device->take(kBytes);
    device->clear(block, kBytes);
    const auto wait = device->begin_read(host.floats, block, kBytes);
    device->give(block, kBytes);
    device->copy(device->take(kBytes), x, kBytes);
    wait();
  };
  EXPECT_DEATH(given_too_early(), "written while it was copied");
}

TEST_F(CopyToTheHostDeathTest, SeesThatItsTargetIsUsedTooEarly) {
  const HostMemory host(*device);
  std::memset(host.floats, 0, kBytes);
  const auto wait = device->begin_read(host.floats, x, kBytes);
  EXPECT_NE(host.floats[0], host.floats[0]);  // NaN, whoever reads it now
  const auto write_too_early = [&] {
    host.floats[1] = 0;
    wait();
  };
  EXPECT_DEATH(write_too_early(), "wrote to memory while something was copied there");
  wait();
  EXPECT_THAT(host.values(), ElementsAre(10, 20, 30));
}

TEST_F(CopyToTheHostDeathTest, GoesToPinnedMemoryAlone) {
  float pageable[kCount];
  EXPECT_DEATH(device->begin_read(pageable, x, kBytes), "not pinned");
}

}  // namespace
}  // namespace reprise::numerics
