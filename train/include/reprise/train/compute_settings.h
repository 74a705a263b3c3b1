#pragma once
// How a rank computes. None of it can change a bit.

#include <cstddef>
#include <cstdint>

#include "reprise/configs/config.pb.h"

namespace reprise::train {

struct ComputeSettings {
  int grains_per_forward = 1;        // runtime.grains_per_forward
  std::size_t recompute_layers = 0;  // runtime.recompute_layers
  std::int64_t bucket_kib = 0;       // runtime.bucket_kib
};

inline ComputeSettings compute_settings(const configs::Runtime& runtime) {
  return {static_cast<int>(runtime.grains_per_forward()), runtime.recompute_layers(), runtime.bucket_kib()};
}

}  // namespace reprise::train
