#pragma once
// Devices by the names that programs take on their command line.

#include <functional>
#include <memory>
#include <string>

#include "reprise/numerics/device.h"

namespace reprise::conformance {

/// Returns the device of that name ("cpu", "cuda", "cuda:1"), or throws Error(kUsage, kDevice).
using FindDevice = std::function<std::shared_ptr<numerics::Device>(const std::string& name)>;

/// The devices of this build and machine.
std::shared_ptr<numerics::Device> device_of_name(const std::string& name);

/// A GPU of the native profile: LibTorch's operators and this project's kernels, on the same memory in one order.
struct NativeDevice {
  std::shared_ptr<numerics::Device> device;
  std::string torch_name;   // "cuda:0"
  std::string description;  // what decides bits there
};

/// Returns that of a name, a new one each time, or throws Error(kUsage, kDevice).
using FindNativeDevice = std::function<NativeDevice(const std::string& name)>;

/// The GPUs of this build and machine, where LibTorch's CUDA part is. To be called before the process's first backward
/// pass: LibTorch then counts the GPUs for which it has threads, once.
NativeDevice native_device_of_name(const std::string& name);

/// The first GPU in a build with CUDA, also where there is none: a program that is asked about a GPU must not answer
/// for the CPU. Else the CPU.
std::string usual_device();

}  // namespace reprise::conformance
