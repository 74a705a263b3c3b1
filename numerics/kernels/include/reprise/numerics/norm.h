#pragma once
// Normalisation of the rows of x[N,D] [C-10], [C-35]. dx may be the buffer of dy.

#include <cstdint>

namespace reprise::numerics {

// ---- RMSNorm over the last axis; inverse_rms[N] is kept for the backward pass.
void rms_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight, float epsilon,
                      float* y, float* inverse_rms);
void rms_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x, const float* weight,
                       const float* inverse_rms, float* dx, float* dweight);

// ---- LayerNorm over the last axis; mean[N] and inverse_deviation[N] are kept for the backward pass. Without a bias,
// bias and dbias are null.
void layer_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight, const float* bias,
                        float epsilon, float* y, float* mean, float* inverse_deviation);
void layer_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x, const float* weight,
                         const float* mean, const float* inverse_deviation, float* dx, float* dweight, float* dbias);

}  // namespace reprise::numerics
