#pragma once
// RMSNorm and LayerNorm on a GPU [C-10], [C-35]. dx may be dy; without a bias, bias and dbias are null.

#include <cstdint>

#include "queue.h"

namespace reprise::numerics::cuda {

void rms_norm_forward(Queue& queue, std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight,
                      float epsilon, float* y, float* inverse_rms);
void rms_norm_backward(Queue& queue, std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x,
                       const float* weight, const float* inverse_rms, float* dx, float* dweight);
void layer_norm_forward(Queue& queue, std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight,
                        const float* bias, float epsilon, float* y, float* mean, float* inverse_deviation);
void layer_norm_backward(Queue& queue, std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x,
                         const float* weight, const float* mean, const float* inverse_deviation, float* dx,
                         float* dweight, float* dbias);

}  // namespace reprise::numerics::cuda
