#include "activation.h"
#include "functions.h"
#include "launch.h"
// and, in its words:
#include "activation-inl.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPerThread = 4;  // all loads come before the first store: they overlap, and outputs may be inputs

/// Calls visit(part, i) for the elements of this thread.
template <typename Visit>
__device__ __forceinline__ void visit_elements(Index count, const Visit& visit) {
  const Index first = Index{blockIdx.x} * (kThreads * kPerThread) + threadIdx.x;
#pragma unroll
  for (int part = 0; part < kPerThread; ++part) {
    const Index i = first + part * kThreads;
    if (i < count) visit(part, i);
  }
}

template <typename Function>
__global__ void forward_kernel(Index count, const float* x, float* y) {
  float values[kPerThread];
  visit_elements(count, [&](int part, Index i) { values[part] = x[i]; });
  visit_elements(count, [&](int part, Index i) { y[i] = Function::value(values[part]); });
}

template <typename Function>
__global__ void backward_kernel(Index count, const float* x, const float* dy, float* dx) {
  float values[kPerThread], gradients[kPerThread];
  visit_elements(count, [&](int part, Index i) {
    values[part] = x[i];
    gradients[part] = dy[i];
  });
  visit_elements(count,
                 [&](int part, Index i) { dx[i] = __fmul_rn(gradients[part], Function::both(values[part]).slope); });
}

template <typename Function>
__global__ void gated_forward_kernel(Index count, const float* gate, const float* up, float* y) {
  float gates[kPerThread], ups[kPerThread];
  visit_elements(count, [&](int part, Index i) {
    gates[part] = gate[i];
    ups[part] = up[i];
  });
  visit_elements(count, [&](int part, Index i) { y[i] = __fmul_rn(Function::value(gates[part]), ups[part]); });
}

template <typename Function>
__global__ void gated_backward_kernel(Index count, const float* gate, const float* up, const float* dy, float* dgate,
                                      float* dup) {
  float gates[kPerThread], ups[kPerThread], gradients[kPerThread];
  visit_elements(count, [&](int part, Index i) {
    gates[part] = gate[i];
    ups[part] = up[i];
    gradients[part] = dy[i];
  });
  visit_elements(count, [&](int part, Index i) {
    const one_lane::ValueAndSlope opened = Function::both(gates[part]);
    dgate[i] = __fmul_rn(__fmul_rn(gradients[part], ups[part]), opened.slope);
    dup[i] = __fmul_rn(gradients[part], opened.value);
  });
}

/// Calls visit(function) with the function that `activation` names.
template <typename Visit>
void with_function(Activation activation, const Visit& visit) {
  switch (activation) {
    case Activation::kRelu:
      return visit(one_lane::Relu());
    case Activation::kSigmoid:
      return visit(one_lane::Sigmoid());
    case Activation::kSilu:
      return visit(one_lane::Silu());
    case Activation::kGelu:
      return visit(one_lane::Gelu());
    case Activation::kGeluTanh:
      return visit(one_lane::GeluTanh());
  }
}

template <typename... Parameters, typename... Arguments>
void start(Queue& queue, void (*kernel)(Index, Parameters...), Index count, Arguments... arguments) {
  launch(queue, kernel, blocks_for(count, kThreads * kPerThread), kThreads, 0, count, arguments...);
}

}  // namespace

void activation_forward(Queue& queue, Activation activation, Index count, const float* x, float* y) {
  with_function(activation, [&](auto function) { start(queue, forward_kernel<decltype(function)>, count, x, y); });
}

void activation_backward(Queue& queue, Activation activation, Index count, const float* x, const float* dy, float* dx) {
  with_function(activation,
                [&](auto function) { start(queue, backward_kernel<decltype(function)>, count, x, dy, dx); });
}

void gated_forward(Queue& queue, Activation activation, Index count, const float* gate, const float* up, float* y) {
  with_function(activation,
                [&](auto function) { start(queue, gated_forward_kernel<decltype(function)>, count, gate, up, y); });
}

void gated_backward(Queue& queue, Activation activation, Index count, const float* gate, const float* up,
                    const float* dy, float* dgate, float* dup) {
  with_function(activation, [&](auto function) {
    start(queue, gated_backward_kernel<decltype(function)>, count, gate, up, dy, dgate, dup);
  });
}

}  // namespace reprise::numerics::cuda
