// Activations and gated units [C-13], [C-38].

#include "reprise/numerics/activation.h"

#include "dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "activation.cpp"
#include <hwy/foreach_target.h>

#include "activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

template <typename Function>
void forward_array(Index count, const float* x, float* y) {
  for (Index i = 0; i < count; i += kWidth) store_some(Function::value(load_some(x + i, count - i)), y + i, count - i);
}

template <typename Function>
void backward_array(Index count, const float* x, const float* dy, float* dx) {
  for (Index i = 0; i < count; i += kWidth) {
    const Vector slope = Function::both(load_some(x + i, count - i)).slope;
    store_some(hn::Mul(load_some(dy + i, count - i), slope), dx + i, count - i);
  }
}

template <typename Function>
void gated_forward_array(Index count, const float* gate, const float* up, float* y) {
  for (Index i = 0; i < count; i += kWidth) {
    const Vector opened = Function::value(load_some(gate + i, count - i));
    store_some(hn::Mul(opened, load_some(up + i, count - i)), y + i, count - i);
  }
}

template <typename Function>
void gated_backward_array(Index count, const float* gate, const float* up, const float* dy, float* dgate, float* dup) {
  for (Index i = 0; i < count; i += kWidth) {
    const ValueAndSlope opened = Function::both(load_some(gate + i, count - i));
    const Vector d = load_some(dy + i, count - i);
    const Vector u = load_some(up + i, count - i);
    store_some(hn::Mul(hn::Mul(d, u), opened.slope), dgate + i, count - i);
    store_some(hn::Mul(d, opened.value), dup + i, count - i);
  }
}

/// Calls visit(function) with the function that `activation` names.
template <typename Visit>
void with_function(Activation activation, const Visit& visit) {
  switch (activation) {
    case Activation::kRelu:
      return visit(Relu());
    case Activation::kSigmoid:
      return visit(Sigmoid());
    case Activation::kSilu:
      return visit(Silu());
    case Activation::kGelu:
      return visit(Gelu());
    case Activation::kGeluTanh:
      return visit(GeluTanh());
  }
}

void activate(Activation activation, Index count, const float* x, float* y) {
  with_function(activation, [=](auto function) { forward_array<decltype(function)>(count, x, y); });
}

void activate_backward(Activation activation, Index count, const float* x, const float* dy, float* dx) {
  with_function(activation, [=](auto function) { backward_array<decltype(function)>(count, x, dy, dx); });
}

void open_gate(Activation activation, Index count, const float* x, const float* up, float* y) {
  with_function(activation, [=](auto function) { gated_forward_array<decltype(function)>(count, x, up, y); });
}

void open_gate_backward(Activation activation, Index count, const float* x, const float* up, const float* dy, float* dx,
                        float* dup) {
  with_function(activation,
                [=](auto function) { gated_backward_array<decltype(function)>(count, x, up, dy, dx, dup); });
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void activation_forward(Activation activation, std::int64_t count, const float* x, float* y) {
  REPRISE_DISPATCH(activate)(activation, count, x, y);
}

void activation_backward(Activation activation, std::int64_t count, const float* x, const float* dy, float* dx) {
  REPRISE_DISPATCH(activate_backward)(activation, count, x, dy, dx);
}

void gated_forward(Activation activation, std::int64_t count, const float* gate, const float* up, float* y) {
  REPRISE_DISPATCH(open_gate)(activation, count, gate, up, y);
}

void gated_backward(Activation activation, std::int64_t count, const float* gate, const float* up, const float* dy,
                    float* dgate, float* dup) {
  REPRISE_DISPATCH(open_gate_backward)(activation, count, gate, up, dy, dgate, dup);
}

void swiglu_forward(std::int64_t count, const float* gate, const float* up, float* y) {
  gated_forward(Activation::kSilu, count, gate, up, y);
}

void swiglu_backward(std::int64_t count, const float* gate, const float* up, const float* dy, float* dgate,
                     float* dup) {
  gated_backward(Activation::kSilu, count, gate, up, dy, dgate, dup);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
