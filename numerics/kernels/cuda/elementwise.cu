#include "elementwise.h"
#include "launch.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void add_kernel(Index count, const float* a, const float* b, float* out) {
  const Index i = Index{blockIdx.x} * kThreads + threadIdx.x;
  if (i < count) out[i] = __fadd_rn(a[i], b[i]);
}

__global__ void scale_kernel(Index count, float factor, float* x) {
  const Index i = Index{blockIdx.x} * kThreads + threadIdx.x;
  if (i < count) x[i] = __fmul_rn(x[i], factor);
}

__global__ void divide_kernel(Index count, float divisor, float* x) {
  const Index i = Index{blockIdx.x} * kThreads + threadIdx.x;
  if (i < count) x[i] = __fdiv_rn(x[i], divisor);
}

}  // namespace

void add(Queue& queue, Index count, const float* a, const float* b, float* out) {
  launch(queue, add_kernel, blocks_for(count, kThreads), kThreads, 0, count, a, b, out);
}

void scale_in_place(Queue& queue, Index count, float factor, float* x) {
  launch(queue, scale_kernel, blocks_for(count, kThreads), kThreads, 0, count, factor, x);
}

void divide_in_place(Queue& queue, Index count, float divisor, float* x) {
  launch(queue, divide_kernel, blocks_for(count, kThreads), kThreads, 0, count, divisor, x);
}

}  // namespace reprise::numerics::cuda
