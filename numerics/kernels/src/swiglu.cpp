// SwiGLU [C-13].

#include "dispatch.h"
#include "reprise/numerics/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "swiglu.cpp"
#include <hwy/foreach_target.h>

#include "functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

void swiglu_forward_array(Index count, const float* gate, const float* up, float* y) {
  for (Index i = 0; i < count; i += kWidth) {
    const Vector g = load_some(gate + i, count - i);
    const Vector silu = hn::Mul(g, sigmoid_value(g));
    store_some(hn::Mul(silu, load_some(up + i, count - i)), y + i, count - i);
  }
}

void swiglu_backward_array(Index count, const float* gate, const float* up, const float* dy, float* dgate, float* dup) {
  const Vector kOne = broadcast(1.0f);
  for (Index i = 0; i < count; i += kWidth) {
    const Vector g = load_some(gate + i, count - i);
    const Vector d = load_some(dy + i, count - i);
    const Vector u = load_some(up + i, count - i);
    const Vector s = sigmoid_value(g);
    const Vector slope = hn::Mul(s, fma(g, hn::Sub(kOne, s), kOne));
    store_some(hn::Mul(hn::Mul(d, u), slope), dgate + i, count - i);
    store_some(hn::Mul(d, hn::Mul(g, s)), dup + i, count - i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void swiglu_forward(std::int64_t count, const float* gate, const float* up, float* y) {
  REPRISE_DISPATCH(swiglu_forward_array)(count, gate, up, y);
}

void swiglu_backward(std::int64_t count, const float* gate, const float* up, const float* dy, float* dgate,
                     float* dup) {
  REPRISE_DISPATCH(swiglu_backward_array)(count, gate, up, dy, dgate, dup);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
