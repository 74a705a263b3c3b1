#pragma once
// The bias of a linear layer [C-36]; its product is one of the matrix products of kernels.h.

#include <cstdint>

namespace reprise::numerics {

/// y[N,O] += bias[O], one addition per element.
void add_bias(std::int64_t num_rows, std::int64_t dim, const float* bias, float* y);
/// dbias[O]: the rows of dy added in segments of 256, ascending.
void bias_gradient(std::int64_t num_rows, std::int64_t dim, const float* dy, float* dbias);

}  // namespace reprise::numerics
