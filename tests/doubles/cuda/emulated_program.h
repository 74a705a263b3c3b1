#pragma once
// A program whose devices have names, on the emulated GPU: whatever name it asks for.

#include "emulated_device.h"
#include "emulated_torch.h"
#include "named_device.h"

namespace reprise::emulation {

using Program = int (*)(int argc, char** argv, const std::string& default_device,
                        const conformance::FindDevice& find_device,
                        const conformance::FindNativeDevice& find_native_device);

inline int run_on_emulated_gpu(int argc, char** argv, Program program) {
  const auto device = [](const std::string&) { return std::shared_ptr<numerics::Device>(make_emulated_device()); };
  const auto native_device = [](const std::string&) {
    static const TorchOnEmulatedGpu torch;
    return conformance::NativeDevice{make_emulated_device(numerics::WorkOrder::kLibTorch), "cpu", "emulated"};
  };
  return program(argc, argv, "emulated", device, native_device);
}

}  // namespace reprise::emulation
