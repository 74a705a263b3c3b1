#include "exact_functions.h"
#include "functions.h"
#include "launch.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPerThread = 8;  // their chains of operations overlap

template <float (*kFunction)(float)>
__global__ void apply(Index count, const float* x, float* y) {
  const Index first = Index{blockIdx.x} * (kThreads * kPerThread) + threadIdx.x;
  float values[kPerThread];  // all loads come before the first store, for y may be x
#pragma unroll
  for (int part = 0; part < kPerThread; ++part) {
    const Index i = first + part * kThreads;
    values[part] = i < count ? x[i] : 0.0f;
  }
#pragma unroll
  for (int part = 0; part < kPerThread; ++part) {
    const Index i = first + part * kThreads;
    if (i < count) y[i] = kFunction(values[part]);
  }
}

template <float (*kFunction)(float)>
void start(Queue& queue, Index count, const float* x, float* y) {
  launch(queue, apply<kFunction>, blocks_for(count, kThreads * kPerThread), kThreads, 0, count, x, y);
}

}  // namespace

void exact_exp(Queue& queue, Index count, const float* x, float* y) { start<exp_value>(queue, count, x, y); }
void exact_log(Queue& queue, Index count, const float* x, float* y) { start<log_value>(queue, count, x, y); }
void exact_sigmoid(Queue& queue, Index count, const float* x, float* y) { start<sigmoid_value>(queue, count, x, y); }
void exact_tanh(Queue& queue, Index count, const float* x, float* y) { start<tanh_value>(queue, count, x, y); }
void exact_erf(Queue& queue, Index count, const float* x, float* y) { start<erf_value>(queue, count, x, y); }
void exact_sin(Queue& queue, Index count, const float* x, float* y) { start<sin_value>(queue, count, x, y); }
void exact_cos(Queue& queue, Index count, const float* x, float* y) { start<cos_value>(queue, count, x, y); }
void exact_rsqrt(Queue& queue, Index count, const float* x, float* y) { start<rsqrt_value>(queue, count, x, y); }

}  // namespace reprise::numerics::cuda
