// RMSNorm [C-10]. Row sums by lanes; the weight's gradient reduces over rows by the GEMM rule.

#include "dispatch.h"
#include "reprise/numerics/norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rms_norm.cpp"
#include <hwy/foreach_target.h>

#include "column_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

float sum_of_squares(Index count, const float* x) {
  Vector lanes[kLaneVectors];
  for (auto& lane : lanes) lane = zero();
  for (Index i = 0; i < count; i += kVirtualLanes) {
    for (Index v = 0; v < kLaneVectors; ++v) {
      const Index at = i + v * kWidth;
      const Vector value = load_some(x + at, count - at);
      lanes[v] = fma(value, value, lanes[v]);
    }
  }
  return sum_lanes(lanes);
}

void rms_norm_forward_rows(Index num_rows, Index dim, const float* x, const float* weight, float epsilon, float* y,
                           float* inverse_rms) {
  for (Index row = 0; row < num_rows; ++row) {
    const float* x_row = x + row * dim;
    const float mean = sum_of_squares(dim, x_row) / static_cast<float>(dim);
    const float inverse = 1.0f / __builtin_sqrtf(mean + epsilon);
    inverse_rms[row] = inverse;
    for (Index d = 0; d < dim; d += kWidth) {
      const Vector normal = hn::Mul(load_some(x_row + d, dim - d), broadcast(inverse));
      store_some(hn::Mul(normal, load_some(weight + d, dim - d)), y + row * dim + d, dim - d);
    }
  }
}

/// Returns sum(dy * w * x * inverse) of one row, by lanes.
HWY_INLINE float projected_sum(Index dim, const float* dy, const float* x, const float* weight, Vector inverse) {
  Vector lanes[kLaneVectors];
  for (auto& lane : lanes) lane = zero();
  for (Index i = 0; i < dim; i += kVirtualLanes) {
    for (Index v = 0; v < kLaneVectors; ++v) {
      const Index at = i + v * kWidth;
      const Vector scaled = hn::Mul(load_some(dy + at, dim - at), load_some(weight + at, dim - at));
      lanes[v] = fma(scaled, hn::Mul(load_some(x + at, dim - at), inverse), lanes[v]);
    }
  }
  return sum_lanes(lanes);
}

void rms_norm_input_gradient(Index num_rows, Index dim, const float* dy, const float* x, const float* weight,
                             const float* inverse_rms, float* dx) {
  for (Index row = 0; row < num_rows; ++row) {
    const Vector inverse = broadcast(inverse_rms[row]);
    const float* x_row = x + row * dim;
    const float* dy_row = dy + row * dim;
    const float sum = projected_sum(dim, dy_row, x_row, weight, inverse);
    const Vector mean = broadcast(sum / static_cast<float>(dim));
    for (Index d = 0; d < dim; d += kWidth) {
      const Vector scaled = hn::Mul(load_some(dy_row + d, dim - d), load_some(weight + d, dim - d));
      const Vector normal = hn::Mul(load_some(x_row + d, dim - d), inverse);
      store_some(hn::Mul(inverse, negated_fma(normal, mean, scaled)), dx + row * dim + d, dim - d);
    }
  }
}

void rms_norm_weight_gradient(Index num_rows, Index dim, const float* dy, const float* x, const float* inverse_rms,
                              float* dweight) {
  const auto accumulate = [=](Index row, Index column, Index count, Vector sum) HWY_ATTR {
    const Vector normal = hn::Mul(load_some(x + row * dim + column, count), broadcast(inverse_rms[row]));
    return fma(load_some(dy + row * dim + column, count), normal, sum);
  };
  sum_columns(num_rows, dim, accumulate, dweight);
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void rms_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight, float epsilon,
                      float* y, float* inverse_rms) {
  REPRISE_DISPATCH(rms_norm_forward_rows)(num_rows, dim, x, weight, epsilon, y, inverse_rms);
}

void rms_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x, const float* weight,
                       const float* inverse_rms, float* dx, float* dweight) {
  // The weight's gradient first: dx may be the buffer of dy.
  REPRISE_DISPATCH(rms_norm_weight_gradient)(num_rows, dim, dy, x, inverse_rms, dweight);
  REPRISE_DISPATCH(rms_norm_input_gradient)(num_rows, dim, dy, x, weight, inverse_rms, dx);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
