#pragma once
// What a step computes, whatever it takes: the model FLOPs of docs/reference/training.md.

#include <cstdint>

#include "reprise/configs/config.pb.h"

namespace reprise::train {

/// Floating-point operations of forward and backward for one token: 6 for each weight that is multiplied, and
/// 12 for each pair of positions, head element and layer. The update, norms and what is computed twice to save memory do not count;
/// a document mask does not make it less.
double model_flops_per_token(const configs::Recipe& recipe, std::int64_t num_parameters);

}  // namespace reprise::train
