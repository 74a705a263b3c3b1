#pragma once
// Where runs in the native profile compute: the emulated GPU, where LibTorch's CPU is LibTorch.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "emulated_device.h"
#include "reprise/train/compute_settings.h"

namespace reprise::train {

/// A GPU of the model `kind` for each rank.
inline ComputeSettings on_gpu(const std::string& kind, std::int64_t bucket_kib = 0, std::size_t recompute_layers = 0) {
  ComputeSettings settings;
  settings.device = kind;
  settings.bucket_kib = bucket_kib;
  settings.recompute_layers = recompute_layers;
  settings.find_device = [](const std::string&, numerics::WorkOrder order) {
    EXPECT_EQ(order, numerics::WorkOrder::kLibTorch);
    return std::shared_ptr<numerics::Device>(emulation::make_emulated_device(order));
  };
  settings.find_native_device = [](const std::string& name) { return NativeDevice{"cpu", name}; };
  return settings;
}

}  // namespace reprise::train
