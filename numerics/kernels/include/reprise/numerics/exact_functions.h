#pragma once
// The exact profile's own binary32 functions, elementwise [C-6], [C-7], [C-8], [C-31] to [C-34]. The operators
// apply the same ones; these entries exist so that they can be run over all 2^32 inputs. y may be x.

#include <cstdint>

namespace reprise::numerics {

void exact_exp(std::int64_t count, const float* x, float* y);
void exact_log(std::int64_t count, const float* x, float* y);
void exact_sigmoid(std::int64_t count, const float* x, float* y);
void exact_tanh(std::int64_t count, const float* x, float* y);
void exact_erf(std::int64_t count, const float* x, float* y);
/// Beyond |x| = 2^17 the result of sin and cos is NaN (0x7fc00000): that is the definition, not an error.
void exact_sin(std::int64_t count, const float* x, float* y);
void exact_cos(std::int64_t count, const float* x, float* y);
/// 1 / sqrt(x), two roundings.
void exact_rsqrt(std::int64_t count, const float* x, float* y);

}  // namespace reprise::numerics
