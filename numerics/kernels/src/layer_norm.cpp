// LayerNorm [C-35]. Row sums by lanes; the gradients of weight and bias reduce over rows in segments.

#include "dispatch.h"
#include "reprise/numerics/linear.h"
#include "reprise/numerics/norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "layer_norm.cpp"
#include <hwy/foreach_target.h>

#include "column_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

/// Two lane sums of one row at once: `accumulate(at, count, first, second)` adds the elements from `at` on.
template <typename Accumulate>
HWY_INLINE void sum_row(Index dim, const Accumulate& accumulate, float& first_sum, float& second_sum) {
  Vector first[kLaneVectors], second[kLaneVectors];
  for (auto& lane : first) lane = zero();
  for (auto& lane : second) lane = zero();
  for (Index i = 0; i < dim; i += kVirtualLanes) {
    for (Index v = 0; v < kLaneVectors; ++v) {
      const Index at = i + v * kWidth;
      accumulate(at, dim - at, first[v], second[v]);
    }
  }
  first_sum = sum_lanes(first);
  second_sum = sum_lanes(second);
}

HWY_INLINE float row_mean(Index dim, const float* x) {
  Vector lanes[kLaneVectors];
  for (auto& lane : lanes) lane = zero();
  for (Index i = 0; i < dim; i += kVirtualLanes) {
    for (Index v = 0; v < kLaneVectors; ++v) {
      const Index at = i + v * kWidth;
      lanes[v] = hn::Add(lanes[v], load_some(x + at, dim - at));
    }
  }
  return sum_lanes(lanes) / static_cast<float>(dim);
}

/// Returns the mean of the squared distances from `mean`. What extends the row is a distance of zero.
HWY_INLINE float row_variance(Index dim, const float* x, float mean) {
  Vector lanes[kLaneVectors];
  for (auto& lane : lanes) lane = zero();
  const Vector center = broadcast(mean);
  for (Index i = 0; i < dim; i += kVirtualLanes) {
    for (Index v = 0; v < kLaneVectors; ++v) {
      const Index at = i + v * kWidth;
      const Vector distance = hn::Sub(load_some(x + at, dim - at, mean), center);
      lanes[v] = fma(distance, distance, lanes[v]);
    }
  }
  return sum_lanes(lanes) / static_cast<float>(dim);
}

HWY_INLINE Vector normalised(const float* x, Index count, Vector mean, Vector inverse) {
  return hn::Mul(hn::Sub(load_some(x, count), mean), inverse);
}

void layer_norm_forward_rows(Index num_rows, Index dim, const float* x, const float* weight, const float* bias,
                             float epsilon, float* y, float* mean, float* inverse_deviation) {
  for (Index row = 0; row < num_rows; ++row) {
    const float* x_row = x + row * dim;
    mean[row] = row_mean(dim, x_row);
    inverse_deviation[row] = 1.0f / __builtin_sqrtf(row_variance(dim, x_row, mean[row]) + epsilon);
    const Vector center = broadcast(mean[row]), inverse = broadcast(inverse_deviation[row]);
    for (Index d = 0; d < dim; d += kWidth) {
      const Index count = dim - d;
      const Vector normal = normalised(x_row + d, count, center, inverse);
      const Vector w = load_some(weight + d, count);
      const Vector value = bias == nullptr ? hn::Mul(normal, w) : fma(normal, w, load_some(bias + d, count));
      store_some(value, y + row * dim + d, count);
    }
  }
}

void layer_norm_input_gradient(Index num_rows, Index dim, const float* dy, const float* x, const float* weight,
                               const float* mean, const float* inverse_deviation, float* dx) {
  for (Index row = 0; row < num_rows; ++row) {
    const float* x_row = x + row * dim;
    const float* dy_row = dy + row * dim;
    const Vector center = broadcast(mean[row]), inverse = broadcast(inverse_deviation[row]);
    float sum = 0.0f, projected_sum = 0.0f;
    const auto accumulate = [=](Index at, Index count, Vector& first, Vector& second) HWY_ATTR {
      const Vector scaled = hn::Mul(load_some(dy_row + at, count), load_some(weight + at, count));
      first = hn::Add(first, scaled);
      // Where the row ends `scaled` and x are +0; the product is a zero of the sign of h there [C-35].
      second = fma(scaled, normalised(x_row + at, count, center, inverse), second);
    };
    sum_row(dim, accumulate, sum, projected_sum);
    const Vector shift = broadcast(sum / static_cast<float>(dim));
    const Vector slope = broadcast(projected_sum / static_cast<float>(dim));
    for (Index d = 0; d < dim; d += kWidth) {
      const Index count = dim - d;
      const Vector scaled = hn::Mul(load_some(dy_row + d, count), load_some(weight + d, count));
      const Vector normal = normalised(x_row + d, count, center, inverse);
      const Vector value = hn::Mul(inverse, negated_fma(normal, slope, hn::Sub(scaled, shift)));
      store_some(value, dx + row * dim + d, count);
    }
  }
}

void layer_norm_weight_gradient(Index num_rows, Index dim, const float* dy, const float* x, const float* mean,
                                const float* inverse_deviation, float* dweight) {
  const auto accumulate = [=](Index row, Index column, Index count, Vector sum) HWY_ATTR {
    const Vector normal =
        normalised(x + row * dim + column, count, broadcast(mean[row]), broadcast(inverse_deviation[row]));
    return fma(load_some(dy + row * dim + column, count), normal, sum);
  };
  sum_columns(num_rows, dim, accumulate, dweight);
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void layer_norm_forward(std::int64_t num_rows, std::int64_t dim, const float* x, const float* weight, const float* bias,
                        float epsilon, float* y, float* mean, float* inverse_deviation) {
  REPRISE_DISPATCH(layer_norm_forward_rows)
  (num_rows, dim, x, weight, bias, epsilon, y, mean, inverse_deviation);
}

void layer_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x, const float* weight,
                         const float* mean, const float* inverse_deviation, float* dx, float* dweight, float* dbias) {
  // The gradients of the parameters first: dx may be the buffer of dy.
  REPRISE_DISPATCH(layer_norm_weight_gradient)(num_rows, dim, dy, x, mean, inverse_deviation, dweight);
  if (dbias != nullptr) bias_gradient(num_rows, dim, dy, dbias);
  REPRISE_DISPATCH(layer_norm_input_gradient)(num_rows, dim, dy, x, weight, mean, inverse_deviation, dx);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
