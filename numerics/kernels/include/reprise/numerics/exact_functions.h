#pragma once
// The exact profile's own binary32 functions, elementwise [C-6], [C-7], [C-8]. The operators of kernels.h apply the
// same ones; these entries exist so that they can be run over all 2^32 inputs. y may be x.

#include <cstdint>

namespace reprise::numerics {

void exact_exp(std::int64_t count, const float* x, float* y);
void exact_log(std::int64_t count, const float* x, float* y);
void exact_sigmoid(std::int64_t count, const float* x, float* y);

}  // namespace reprise::numerics
