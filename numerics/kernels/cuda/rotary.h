#pragma once
// Rotary position embedding on a GPU [C-11], [C-37]. y may be x.

#include <cstdint>

#include "queue.h"

namespace reprise::numerics::cuda {

struct RotaryShape {
  std::int64_t num_tokens;
  std::int64_t length;  // of a sequence
  int num_heads;
  int head_dim;    // E
  int rotary_dim;  // R
  bool interleaved;
};

/// Turns by the angles of the table, with `sign` -1 by their opposites.
void rotate(Queue& queue, const RotaryShape& shape, float sign, const float* x, const float* cos, const float* sin,
            float* y);

}  // namespace reprise::numerics::cuda
