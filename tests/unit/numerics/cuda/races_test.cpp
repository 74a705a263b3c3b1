// The emulated GPU sees the faults that it says it sees.

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "emulated_cuda.h"
#include "emulated_memory.h"
#include "emulated_races.h"
#include "emulated_stream.h"
#include "two_devices.h"

namespace reprise::emulation {
namespace {

void run(unsigned num_blocks, std::function<void()> kernel, unsigned num_threads = 64) {
  Stream stream(kDevice);
  current_device = kDevice;
  launch(&stream, dim3(num_blocks), dim3(num_threads), {0}, std::move(kernel));
}

float* shared() { return static_cast<float*>(shared_variable(__FILE__, __LINE__, 64 * sizeof(float))); }
void write_own() { note_use(shared() + threadIdx.x, sizeof(float), true); }
void read_of(unsigned thread) { note_use(shared() + thread, sizeof(float), false); }

TEST(EmulatedGpu, LetsThreadsReadBehindABarrierWhatOthersWrote) {
  run(2, [] {
    write_own();
    __syncwarp();
    read_of(threadIdx.x ^ 1u);
    __syncthreads();
    read_of(63u - threadIdx.x);
    __syncthreads();
    write_own();
  });
}

TEST(EmulatedGpu, StopsWhereAWriteMayOvertakeARead) {
  EXPECT_DEATH(run(1, [] { write_own(), read_of(threadIdx.x ^ 1u); }), "that was read without a barrier");
}

TEST(EmulatedGpu, StopsWhereABarrierOfWarpsStandsBetweenTwoWarps) {
  EXPECT_DEATH(run(1, [] { write_own(), __syncwarp(), read_of(63u - threadIdx.x); }), "that was written without");
}

void write_byte(unsigned byte) { note_use(reinterpret_cast<std::uint8_t*>(shared()) + byte, 1, true); }

TEST(EmulatedGpu, LetsThreadsWriteDifferentBytesOfAWord) {
  run(1, [] {
    write_byte(threadIdx.x);
    __syncthreads();
    read_of(threadIdx.x / 4);
  });
}

TEST(EmulatedGpu, LetsBlocksReadAndWriteDifferentHalvesOfAWord) {
  void* const memory = allocate_watched(sizeof(float));
  global_memory().add(memory, sizeof(float));
  const auto use = [memory](unsigned half, bool writes) {
    if (threadIdx.x == 0) note_use(static_cast<std::uint16_t*>(memory) + half, 2, writes);
  };
  run(2, [=] { use(blockIdx.x, false), use(blockIdx.x, true); });
  EXPECT_DEATH(run(2, [=] { use(1, blockIdx.x == 1); }), "that was read without");
  global_memory().remove(memory);
  free_watched(memory, sizeof(float));
}

TEST(EmulatedGpu, StopsWhereTwoThreadsWriteAByteOrOneReadsItsWord) {
  EXPECT_DEATH(run(1, [] { write_byte(threadIdx.x / 2); }), "two threads write");
  EXPECT_DEATH(run(1, [] { write_byte(threadIdx.x), read_of(threadIdx.x / 4); }), "that was read without");
}

TEST(EmulatedGpu, TakesNoShuffleForABarrier) {
  EXPECT_DEATH(run(1,
                   [] {
                     read_of(threadIdx.x ^ 1u);
                     __shfl_xor_sync(0xffffffffu, 1.0f, 1u);
                     write_own();
                   }),
               "written that was read without a barrier");
}

TEST(EmulatedGpu, StopsAShuffleThatHalfAWarpTakesForABarrier) {
  EXPECT_DEATH(run(1,
                   [] {
                     if (threadIdx.x % 32 < 16) {
                       __shfl_xor_sync(0xffffffffu, 1.0f, 16u);
                     } else {
                       __syncwarp();
                     }
                   }),
               "threads wait at a barrier");
}

TEST(EmulatedGpu, RunsTheThreadsOfEveryBlockWhateverTheSizeOfTheOneBefore) {
  for (const unsigned size : {256u, 64u, 1u, 128u}) {
    unsigned threads = 0, lanes_of_others = 0;
    run(
        2,
        [&] {
          ++threads;
          if (blockDim.x < 32) return;
          // Several in turn: none may take the values of the one before.
          for (unsigned mask = 1; mask < 32; mask *= 2) {
            const unsigned lane = threadIdx.x % 32;
            lanes_of_others +=
                __shfl_xor_sync(0xffffffffu, static_cast<float>(lane), mask) == static_cast<float>(lane ^ mask);
          }
        },
        size);
    EXPECT_EQ(threads, 2 * size);
    EXPECT_EQ(lanes_of_others, size < 32 ? 0 : 2 * size * 5);
  }
}

TEST(EmulatedGpu, StopsWhereTwoBlocksWriteTheSameOrWhatIsFree) {
  void* const memory = allocate_watched(sizeof(float));
  global_memory().add(memory, sizeof(float));
  EXPECT_DEATH(run(2,
                   [memory] {
                     if (threadIdx.x == 0) note_use(memory, sizeof(float), true);
                   }),
               "two threads write");
  run(1, [memory] {
    if (threadIdx.x == 0) note_use(memory, sizeof(float), true);
  });  // launches are in order
  run(1, [memory] {
    if (threadIdx.x == 1) note_use(memory, sizeof(float), true);
  });
  global_memory().remove(memory);
  EXPECT_DEATH(run(1, [memory] { note_use(memory, sizeof(float), false); }), "in no allocation");
  free_watched(memory, sizeof(float));
}

TEST(EmulatedGpu, IsUsedByThreadsThatSpeakToAnotherAtFirst) {
  const std::unique_ptr<numerics::Device> device = make_emulated_device();
  std::vector<float> values;
  std::thread([&] {
    numerics::DeviceMemory memory(*device);
    float* const x = memory.copy_of(std::vector<float>{1.0f, 2.0f});
    device->scale_in_place(2, 3.0f, x);
    values = memory.values(x, 2);
  }).join();
  EXPECT_EQ(values, (std::vector<float>{3.0f, 6.0f}));
}

}  // namespace
}  // namespace reprise::emulation
