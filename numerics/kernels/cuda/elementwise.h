#pragma once
// Sums, scalings and divisions on a GPU [C-14].

#include <cstdint>

#include "queue.h"

namespace reprise::numerics::cuda {

void add(Queue& queue, std::int64_t count, const float* a, const float* b, float* out);
void scale_in_place(Queue& queue, std::int64_t count, float factor, float* x);
void divide_in_place(Queue& queue, std::int64_t count, float divisor, float* x);

}  // namespace reprise::numerics::cuda
