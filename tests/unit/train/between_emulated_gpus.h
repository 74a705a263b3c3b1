#pragma once
// Ranks that exchange between the memories of their emulated GPUs, and expect to have done so in the end.

#include <gtest/gtest.h>

#include <mutex>

#include "emulated_memory.h"
#include "gpu_communicator.h"

namespace reprise::train {

class BetweenEmulatedGpus final : public GpuCommunicator {
 public:
  using GpuCommunicator::GpuCommunicator;
  ~BetweenEmulatedGpus() override {
    EXPECT_EQ(num_exchanges_of_gpus > 0, gpu().has_value());
    EXPECT_EQ(num_exchanges_of_hosts > 0, !gpu() && size() > 1);
  }

 protected:
  void check(std::span<const std::byte> bytes) const override {
    const std::lock_guard lock(emulation::one_at_a_time());
    EXPECT_TRUE(bytes.empty() || emulation::global_memory().holds(bytes.data(), bytes.size()))
        << "memory of the host is exchanged as a GPU's";
  }
};

}  // namespace reprise::train
