#pragma once
// How a rank computes. None of it can change a bit of the exact profile; under native, the kind of device does.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "reprise/configs/config.pb.h"
#include "reprise/dist/communicator.h"
#include "reprise/numerics/device.h"

namespace reprise::train {

/// A device of LibTorch's, for the native profile.
struct NativeDevice {
  std::string name;         // LibTorch's: "cuda:0"
  std::string description;  // what decides bits there: the GPU's model and versions
};

struct ComputeSettings {
  int grains_per_forward = 1;        // runtime.grains_per_forward
  std::size_t recompute_layers = 0;  // runtime.recompute_layers
  std::int64_t bucket_kib = 0;       // runtime.bucket_kib; left out on a GPU that is alone
  std::string device = "cpu";        // runtime.device
  /// Finds the device of a name other than "cpu"; empty: find_gpu. Tests have a GPU that is none.
  std::function<std::shared_ptr<numerics::Device>(const std::string& name, numerics::WorkOrder order)> find_device;
  /// The same device for LibTorch, under the native profile; empty: find_native_gpu.
  std::function<NativeDevice(const std::string& name)> find_native_device;
};

/// Returns the GPU that a rank computes on: "cuda", that of its place among the ranks of its machine; "cuda:N", the GPU
/// N. Throws Error(kUsage, kDevice). Collective.
std::shared_ptr<numerics::Device> find_gpu(const std::string& name, dist::Communicator& communicator,
                                           numerics::WorkOrder order = numerics::WorkOrder::kOwn);

/// The same GPU for LibTorch, its CUDA part loaded and set to fixed sums. Throws Error(kUsage, kDevice). Collective.
NativeDevice find_native_gpu(const std::string& name, dist::Communicator& communicator);

inline ComputeSettings compute_settings(const configs::Runtime& runtime) {
  return {static_cast<int>(runtime.grains_per_forward()),
          runtime.recompute_layers(),
          runtime.bucket_kib(),
          runtime.device(),
          {},
          {}};
}

}  // namespace reprise::train
