#pragma once
// Gradient norm and AdamW on a GPU [C-16], [C-17].

#include <cstdint>

#include "queue.h"
#include "reprise/numerics/kernels.h"

namespace reprise::numerics::cuda {

void chunk_sums_of_squares(Queue& queue, std::int64_t count, const float* x, float* sums);
void adamw_update(Queue& queue, std::int64_t count, const AdamWStep& step, const float* g, float* w, float* m,
                  float* v);

}  // namespace reprise::numerics::cuda
