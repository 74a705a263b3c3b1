#pragma once
// What a pass over grains gives besides gradients.

#include <vector>

namespace reprise::model {

/// Losses of one grain, or of consecutive ones: per token in token order (sequence-major), float32 as the kernels give
/// them.
struct GrainLosses {
  std::vector<float> cross_entropy;
  std::vector<float> z;  // logsumexp^2, not yet multiplied by the z-loss weight
};

}  // namespace reprise::model
