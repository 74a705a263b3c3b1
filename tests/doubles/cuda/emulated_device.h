#pragma once
// The GPU's kernels on the emulated GPU (emulated_cuda.h).

#include <cstddef>
#include <memory>

#include "reprise/numerics/device.h"

namespace reprise::emulation {

/// The emulated GPUs differ in the shared memory that a block can have; a launch that asks for more ends the program.
/// Tests use the one with as little as any GPU that kernels are compiled for, some also one with an A100's; the last
/// has too little.
inline constexpr int kDevice = 1, kLargeDevice = 2, kOldDevice = 3, kNumDevices = 4;
inline constexpr std::size_t shared_bytes_of(int device) {
  return std::size_t{device == kOldDevice ? 64u : device == kLargeDevice ? 163u : 99u} << 10;
}

std::unique_ptr<numerics::Device> make_emulated_device(numerics::WorkOrder order = numerics::WorkOrder::kOwn,
                                                       int device = kDevice);

}  // namespace reprise::emulation
