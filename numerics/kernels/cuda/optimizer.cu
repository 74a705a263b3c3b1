#include "launch.h"
#include "optimizer.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kChunk = 4096;
constexpr int kChunksPerBlock = kThreads / kWarpSize;

/// A warp per chunk: its threads are the lanes.
__global__ void chunk_sums_kernel(Index count, const float* x, float* sums) {
  const Index chunk = Index{blockIdx.x} * kChunksPerBlock + static_cast<Index>(threadIdx.x / kWarpSize);
  if (chunk * kChunk >= count) return;
  const int thread = static_cast<int>(threadIdx.x % kWarpSize);
  const float* const from = x + chunk * kChunk;
  const int length = static_cast<int>(count - chunk * kChunk < kChunk ? count - chunk * kChunk : kChunk);
  float lane = 0.0f;
#pragma unroll 16
  for (int first = 0; first < length; first += kWarpSize) {
    const int i = first + thread;
    const float value = i < length ? from[i] : 0.0f;  // the last chunk is extended by zeros
    lane = __fmaf_rn(value, value, lane);
  }
  const float sum = sum_of_lanes(lane);
  if (thread == 0) sums[chunk] = sum;
}

constexpr int kPerThread = 4;  // all loads come before the first store: they overlap

__global__ void adamw_kernel(Index count, AdamWStep step, const float* g, float* w, float* m, float* v) {
  const Index first = Index{blockIdx.x} * (kThreads * kPerThread) + threadIdx.x;
  float gradients[kPerThread], weights[kPerThread], means[kPerThread], variances[kPerThread];
#pragma unroll
  for (int part = 0; part < kPerThread; ++part) {
    const Index i = first + part * kThreads;
    const bool inside = i < count;
    gradients[part] = inside ? g[i] : 0.0f;
    weights[part] = inside ? w[i] : 0.0f;
    means[part] = inside ? m[i] : 0.0f;
    variances[part] = inside ? v[i] : 0.0f;
  }
  const float decay = __fmaf_rn(-step.learning_rate, step.weight_decay, 1.0f);
  const float one_minus_beta1 = __fsub_rn(1.0f, step.beta1), one_minus_beta2 = __fsub_rn(1.0f, step.beta2);
#pragma unroll
  for (int part = 0; part < kPerThread; ++part) {
    const Index i = first + part * kThreads;
    if (i >= count) return;
    const float gradient = gradients[part];
    const float decayed = __fmul_rn(weights[part], decay);
    const float mean = __fmaf_rn(step.beta1, means[part], __fmul_rn(one_minus_beta1, gradient));
    const float square = __fmul_rn(one_minus_beta2, __fmul_rn(gradient, gradient));
    const float variance = __fmaf_rn(step.beta2, variances[part], square);
    const float deviation = __fsqrt_rn(__fdiv_rn(variance, step.bias_correction2));
    const float update = __fdiv_rn(__fdiv_rn(mean, step.bias_correction1), __fadd_rn(deviation, step.epsilon));
    m[i] = mean;
    v[i] = variance;
    w[i] = __fmaf_rn(-step.learning_rate, update, decayed);
  }
}

}  // namespace

void chunk_sums_of_squares(Queue& queue, Index count, const float* x, float* sums) {
  launch(queue, chunk_sums_kernel, blocks_for(count, Index{kChunk} * kChunksPerBlock), kThreads, 0, count, x, sums);
}

void adamw_update(Queue& queue, Index count, const AdamWStep& step, const float* g, float* w, float* m, float* v) {
  launch(queue, adamw_kernel, blocks_for(count, kThreads * kPerThread), kThreads, 0, count, step, g, w, m, v);
}

}  // namespace reprise::numerics::cuda
