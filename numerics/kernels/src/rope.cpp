// Rotary position embedding: halves [C-11], and neighbours or a part of the head [C-37].

#include <fmt/format.h>

#include "dispatch.h"
#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"
#include "reprise/numerics/rotary.h"

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

/// The same for neighbours: element 2e turns with element 2e + 1.
HWY_INLINE void rotate_neighbours(Index num_pairs, float sign, const float* x, const float* cos, const float* sin,
                                  float* y) {
  Index e = 0;
  for (; e + kWidth <= num_pairs; e += kWidth) {
    const Vector c = load(cos + e);
    const Vector s = hn::Mul(load(sin + e), broadcast(sign));
    Vector first, second;
    hn::LoadInterleaved2(FloatTag(), x + 2 * e, first, second);
    hn::StoreInterleaved2(fma(first, c, hn::Neg(hn::Mul(second, s))), fma(second, c, hn::Mul(first, s)), FloatTag(),
                          y + 2 * e);
  }
  for (; e < num_pairs; ++e) {
    const float first = x[2 * e], second = x[2 * e + 1], s = sin[e] * sign;
    y[2 * e] = scalar_fma(first, cos[e], -(second * s));
    y[2 * e + 1] = scalar_fma(second, cos[e], first * s);
  }
}

void rotate(Index num_sequences, Index length, const RotaryLayout& layout, float sign, const float* x, const float* cos,
            const float* sin, float* y) {
  const Index half = layout.rotary_dim / 2;
  for (Index token = 0; token < num_sequences * length; ++token) {
    const float* cos_row = cos + token % length * half;
    const float* sin_row = sin + token % length * half;
    for (Index head = 0; head < layout.num_heads; ++head) {
      const Index at = (token * layout.num_heads + head) * layout.head_dim;
      if (layout.pairs == RotaryPairs::kHalves) {
        rotate_head(half, sign, x + at, cos_row, sin_row, y + at);
      } else {
        rotate_neighbours(half, sign, x + at, cos_row, sin_row, y + at);
      }
      for (Index e = layout.rotary_dim; e < layout.head_dim; ++e) y[at + e] = x[at + e];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {
namespace {

void expect_layout(const RotaryLayout& layout) {
  REPRISE_CHECK_EQ(layout.rotary_dim % 2, 0);
  REPRISE_CHECK(0 < layout.rotary_dim && layout.rotary_dim <= layout.head_dim);
}

}  // namespace

void rope_table(std::int64_t num_positions, std::int64_t rotary_dim, double theta, float* cos, float* sin) {
  constexpr float kLargestAngle = 131072.0f;  // 2^17
  REPRISE_REQUIRE(rotary_dim > 0 && rotary_dim % 2 == 0, ErrorKind::kConfig,
                  fmt::format("the size of rotary embeddings is not even: {}", rotary_dim),
                  "choose hidden_size / num_heads, or the part of it that turns, even");
  REPRISE_REQUIRE(static_cast<float>(num_positions) <= kLargestAngle, ErrorKind::kConfig,
                  fmt::format("rotary angles are exact up to 2^17, but there are {} positions", num_positions),
                  "shorten the sequences");
  const std::int64_t half = rotary_dim / 2;
  for (std::int64_t e = 0; e < half; ++e) {
    const double exponent = static_cast<double>(2 * e) / static_cast<double>(rotary_dim);
    const auto inverse_frequency = static_cast<float>(1.0 / exact_pow(theta, exponent));
    REPRISE_REQUIRE(static_cast<float>(num_positions - 1) * inverse_frequency <= kLargestAngle, ErrorKind::kConfig,
                    fmt::format("rotary angles are exact up to 2^17, but theta {} turns position {} by {}", theta,
                                num_positions - 1, static_cast<float>(num_positions - 1) * inverse_frequency),
                    "raise theta, or shorten the sequences");
    for (std::int64_t position = 0; position < num_positions; ++position) {
      const float angle = static_cast<float>(position) * inverse_frequency;
      cos[position * half + e] = static_cast<float>(exact_cos(static_cast<double>(angle)));
      sin[position * half + e] = static_cast<float>(exact_sin(static_cast<double>(angle)));
    }
  }
}

void rotary_forward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout, const float* x,
                    const float* cos, const float* sin, float* y) {
  expect_layout(layout);
  REPRISE_DISPATCH(rotate)(num_sequences, length, layout, 1.0f, x, cos, sin, y);
}

void rotary_backward(std::int64_t num_sequences, std::int64_t length, const RotaryLayout& layout, const float* dy,
                     const float* cos, const float* sin, float* dx) {
  expect_layout(layout);
  REPRISE_DISPATCH(rotate)(num_sequences, length, layout, -1.0f, dy, cos, sin, dx);
}

void rope_forward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                  const float* x, const float* cos, const float* sin, float* y) {
  rotary_forward(num_sequences, length, {num_heads, head_dim, head_dim, RotaryPairs::kHalves}, x, cos, sin, y);
}

void rope_backward(std::int64_t num_sequences, std::int64_t length, std::int64_t num_heads, std::int64_t head_dim,
                   const float* dy, const float* cos, const float* sin, float* dx) {
  rotary_backward(num_sequences, length, {num_heads, head_dim, head_dim, RotaryPairs::kHalves}, dy, cos, sin, dx);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
