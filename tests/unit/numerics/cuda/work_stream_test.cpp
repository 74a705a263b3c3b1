// Streams of the GPUs that tests have are as late as a GPU may be.

#include "work_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "two_devices.h"

namespace reprise::emulation {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Streams : public testing::Test {
 protected:
  void SetUp() override { setenv("REPRISE_EMULATION_STREAMS", "late", 1); }
  void TearDown() override { unsetenv("REPRISE_EMULATION_STREAMS"); }

  void give(WorkStream& stream, std::string name) {
    stream.add([this, name = std::move(name)] { done.push_back(name); });
  }

  std::vector<std::string> done;
  std::shared_ptr<WorkStream> work = WorkStream::make(), other = WorkStream::make();
};

TEST_F(Streams, DoNothingUntilSomebodyWaits) {
  give(*work, "a");
  EXPECT_THAT(done, IsEmpty());
  finish(work->mark());
  EXPECT_THAT(done, ElementsAre("a"));
}

TEST_F(Streams, DoNoMoreThanIsWaitedFor) {
  give(*work, "a");
  const WorkStream::Mark behind_a = work->mark();
  give(*work, "b");
  std::thread([&] { finish(behind_a); }).join();
  EXPECT_THAT(done, ElementsAre("a"));
  finish(behind_a);
  EXPECT_THAT(done, ElementsAre("a"));
  finish(work->mark());
  EXPECT_THAT(done, ElementsAre("a", "b"));
}

TEST_F(Streams, KnowNothingOfEachOther) {
  give(*work, "a");
  give(*other, "b");
  finish(other->mark());
  EXPECT_THAT(done, ElementsAre("b"));
}

TEST_F(Streams, WaitForPlacesOfOthers) {
  give(*work, "a");
  other->wait_for(work->mark());
  give(*work, "c");
  give(*other, "b");
  finish(other->mark());
  EXPECT_THAT(done, ElementsAre("a", "b"));
}

TEST_F(Streams, OfOthersMayRunAhead) {
  setenv("REPRISE_EMULATION_STREAMS", "ahead", 1);
  give(*work, "a");
  other->wait_for(work->mark());
  give(*work, "c");
  give(*other, "b");
  finish(other->mark());
  EXPECT_THAT(done, ElementsAre("a", "c", "b"));
}

TEST_F(Streams, ThatAreCapturedKeepTheirWork) {
  give(*work, "a");
  work->begin_capture();
  give(*work, "b");
  const std::vector<Work> captured = work->end_capture();
  finish(work->mark());
  EXPECT_THAT(done, ElementsAre("a"));
  ASSERT_EQ(captured.size(), 1u);
  captured[0]();
  EXPECT_THAT(done, ElementsAre("a", "b"));
}

TEST_F(Streams, AreAllFinishedTogether) {
  give(*work, "a");
  give(*other, "b");
  finish_all_streams();
  EXPECT_THAT(done, testing::UnorderedElementsAre("a", "b"));
}

TEST_F(Streams, OfADeviceHaveKernelsCopiesAndRecordingsDoneLate) {
  using numerics::DeviceMemory;
  constexpr std::int64_t kCount = 2;
  const std::unique_ptr<numerics::Device> device = make_emulated_device();
  DeviceMemory memory(*device);
  float* const x = memory.copy_of(std::vector<float>{1, 2});
  float* const y = memory.copy_of(std::vector<float>{0, 0});
  const auto pieces = device->record([&] { device->add(kCount, x, x, y); });
  device->clear(y, kCount * sizeof(float));
  device->synchronize();
  const auto seen = [&] { return std::vector<float>(y, y + kCount); };  // this GPU's memory is the host's
  device->add(kCount, x, x, x);
  device->copy(y, x, kCount * sizeof(float));
  const std::function<void()> reach_copy = device->mark();
  pieces.at(0)();
  EXPECT_THAT(seen(), ElementsAre(0, 0));
  reach_copy();
  EXPECT_THAT(seen(), ElementsAre(2, 4));
  device->synchronize();
  EXPECT_THAT(seen(), ElementsAre(4, 8));
}

}  // namespace
}  // namespace reprise::emulation
