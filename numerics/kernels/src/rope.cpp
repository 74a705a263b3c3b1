// Rotary position embedding [C-11], half-rotation layout: element e turns with element e + E/2.

#include <fmt/format.h>

#include "dispatch.h"
#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"
#include "reprise/numerics/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rope.cpp"
#include <hwy/foreach_target.h>

#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

/// Rotates the pairs of one head; `sign` is +1 forward and -1 backward (an exact product).
HWY_INLINE void rotate_head(Index half, float sign, const float* x, const float* cos, const float* sin, float* y) {
  for (Index e = 0; e < half; e += kWidth) {
    const Index count = half - e;
    const Vector c = load_some(cos + e, count);
    const Vector s = hn::Mul(load_some(sin + e, count), broadcast(sign));
    const Vector first = load_some(x + e, count);
    const Vector second = load_some(x + half + e, count);
    store_some(fma(first, c, hn::Neg(hn::Mul(second, s))), y + e, count);
    store_some(fma(second, c, hn::Mul(first, s)), y + half + e, count);
  }
}

void rotate(Index num_sequences, Index length, Index num_heads, Index head_dim, float sign, const float* x,
            const float* cos, const float* sin, float* y) {
  const Index half = head_dim / 2;
  for (Index token = 0; token < num_sequences * length; ++token) {
    const Index position = token % length;
    for (Index head = 0; head < num_heads; ++head) {
      const Index at = (token * num_heads + head) * head_dim;
      rotate_head(half, sign, x + at, cos + position * half, sin + position * half, y + at);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void rope_table(std::int64_t num_positions, std::int64_t head_dim, double theta, float* cos, float* sin) {
  constexpr float kLargestAngle = 131072.0f;  // 2^17
  REPRISE_REQUIRE(head_dim > 0 && head_dim % 2 == 0, ErrorKind::kConfig,
                  fmt::format("the head size of rotary embeddings is not even: {}", head_dim),
                  "choose hidden_size / num_heads even");
  REPRISE_REQUIRE(static_cast<float>(num_positions) <= kLargestAngle, ErrorKind::kConfig,
                  fmt::format("rotary angles are exact up to 2^17, but there are {} positions", num_positions),
                  "shorten the sequences");
  const std::int64_t half = head_dim / 2;
  for (std::int64_t e = 0; e < half; ++e) {
    const double exponent = static_cast<double>(2 * e) / static_cast<double>(head_dim);
    const auto inverse_frequency = static_cast<float>(1.0 / exact_pow(theta, exponent));
    for (std::int64_t position = 0; position < num_positions; ++position) {
      const float angle = static_cast<float>(position) * inverse_frequency;
      cos[position * half + e] = static_cast<float>(exact_cos(static_cast<double>(angle)));
      sin[position * half + e] = static_cast<float>(exact_sin(static_cast<double>(angle)));
    }
  }
}

void rope_forward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                  const float* x, const float* cos, const float* sin, float* y) {
  REPRISE_DISPATCH(rotate)(num_sequences, length, num_heads, head_dim, 1.0f, x, cos, sin, y);
}

void rope_backward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                   const float* dy, const float* cos, const float* sin, float* dx) {
  REPRISE_DISPATCH(rotate)(num_sequences, length, num_heads, head_dim, -1.0f, dy, cos, sin, dx);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
