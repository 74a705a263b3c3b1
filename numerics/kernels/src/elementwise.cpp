// Elementwise sums, scalings and the search for NaN and infinity [C-14]. One IEEE operation per element, so plain loops
// give the same bits on any target.

#include <bit>

#include "reprise/numerics/kernels.h"

namespace reprise::numerics {

void add(std::int64_t count, const float* a, const float* b, float* out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

void scale_in_place(std::int64_t count, float factor, float* x) {
  for (std::int64_t i = 0; i < count; ++i) x[i] *= factor;
}

void divide_in_place(std::int64_t count, float divisor, float* x) {
  for (std::int64_t i = 0; i < count; ++i) x[i] /= divisor;
}

std::int64_t find_non_finite(std::int64_t count, const float* x) {
  constexpr std::uint32_t kExponent = 0x7f800000u;
  constexpr std::int64_t kBlock = 1024;
  const auto is_non_finite = [x](std::int64_t i) {
    return (std::bit_cast<std::uint32_t>(x[i]) & kExponent) == kExponent;
  };
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t end = begin + kBlock < count ? begin + kBlock : count;
    std::uint32_t found = 0;
    for (std::int64_t i = begin; i < end; ++i) found |= is_non_finite(i) ? 1u : 0u;
    if (found == 0) continue;
    for (std::int64_t i = begin; i < end; ++i) {
      if (is_non_finite(i)) return i;
    }
  }
  return -1;
}

}  // namespace reprise::numerics
