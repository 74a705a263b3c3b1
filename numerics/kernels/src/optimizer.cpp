// Gradient norm [C-16] and AdamW [C-17].

#include "dispatch.h"
#include "reprise/numerics/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "optimizer.cpp"
#include <hwy/foreach_target.h>

#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

float chunk_sum(Index count, const float* x) {
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

void adamw_array(Index count, const AdamWStep& step, const float* g, float* w, float* m, float* v) {
  const Vector minus_rate = broadcast(-step.learning_rate);
  const Vector decay = broadcast(scalar_fma(-step.learning_rate, step.weight_decay, 1.0f));
  const Vector beta1 = broadcast(step.beta1), one_minus_beta1 = broadcast(1.0f - step.beta1);
  const Vector beta2 = broadcast(step.beta2), one_minus_beta2 = broadcast(1.0f - step.beta2);
  const Vector correction1 = broadcast(step.bias_correction1), correction2 = broadcast(step.bias_correction2);
  const Vector epsilon = broadcast(step.epsilon);
  for (Index i = 0; i < count; i += kWidth) {
    const Index left = count - i;
    const Vector gradient = load_some(g + i, left);
    const Vector decayed = hn::Mul(load_some(w + i, left), decay);
    const Vector mean = fma(beta1, load_some(m + i, left), hn::Mul(one_minus_beta1, gradient));
    const Vector square = hn::Mul(one_minus_beta2, hn::Mul(gradient, gradient));
    const Vector variance = fma(beta2, load_some(v + i, left), square);
    const Vector denominator = hn::Add(hn::Sqrt(hn::Div(variance, correction2)), epsilon);
    const Vector update = hn::Div(hn::Div(mean, correction1), denominator);
    store_some(mean, m + i, left);
    store_some(variance, v + i, left);
    store_some(fma(minus_rate, update, decayed), w + i, left);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <bit>

namespace reprise::numerics {

float chunk_sum_of_squares(std::int64_t count, const float* x) { return REPRISE_DISPATCH(chunk_sum)(count, x); }

double sum_chunks(std::span<const float> chunk_sums) {
  if (chunk_sums.empty()) return 0.0;
  if (chunk_sums.size() == 1) return static_cast<double>(chunk_sums[0]);
  const std::size_t left = std::bit_floor(chunk_sums.size() - 1);  // the largest power of two below the size
  return sum_chunks(chunk_sums.first(left)) + sum_chunks(chunk_sums.subspan(left));
}

void adamw_update(std::int64_t count, const AdamWStep& step, const float* g, float* w, float* m, float* v) {
  REPRISE_DISPATCH(adamw_array)(count, step, g, w, m, v);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
