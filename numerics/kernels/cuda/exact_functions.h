#pragma once
// The exact functions over arrays of a GPU [C-6], [C-7], [C-8], [C-31] to [C-34]. y may be x.

#include <cstdint>

#include "queue.h"

namespace reprise::numerics::cuda {

void exact_exp(Queue& queue, std::int64_t count, const float* x, float* y);
void exact_log(Queue& queue, std::int64_t count, const float* x, float* y);
void exact_sigmoid(Queue& queue, std::int64_t count, const float* x, float* y);
void exact_tanh(Queue& queue, std::int64_t count, const float* x, float* y);
void exact_erf(Queue& queue, std::int64_t count, const float* x, float* y);
void exact_sin(Queue& queue, std::int64_t count, const float* x, float* y);
void exact_cos(Queue& queue, std::int64_t count, const float* x, float* y);
void exact_rsqrt(Queue& queue, std::int64_t count, const float* x, float* y);

}  // namespace reprise::numerics::cuda
