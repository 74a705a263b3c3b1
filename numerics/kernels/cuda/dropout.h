#pragma once
// Dropout on a GPU [C-39]. y may be x; samples are in its memory.

#include <cstdint>

#include "queue.h"
#include "reprise/numerics/dropout.h"

namespace reprise::numerics::cuda {

void dropout(Queue& queue, std::int64_t num_sequences, std::int64_t count, const DropoutRule& rule,
             const std::uint64_t* samples, const float* x, float* y);

}  // namespace reprise::numerics::cuda
