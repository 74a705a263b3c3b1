#pragma once
// The bias of a linear layer on a GPU [C-36].

#include <cstdint>

#include "queue.h"

namespace reprise::numerics::cuda {

void add_bias(Queue& queue, std::int64_t num_rows, std::int64_t dim, const float* bias, float* y);
void bias_gradient(Queue& queue, std::int64_t num_rows, std::int64_t dim, const float* dy, float* dbias);

}  // namespace reprise::numerics::cuda
