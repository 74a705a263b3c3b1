#include "launch.h"
#include "rotary.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kPairs = 32;  // of a head, at once
constexpr int kHeads = 8;   // of a token, at once

/// A block per token. A thread keeps to the pairs of one angle, for all heads share it.
template <bool kInterleaved>
__global__ void rotate_kernel(RotaryShape shape, float sign, const float* x, const float* cos, const float* sin,
                              float* y) {
  const int half = shape.rotary_dim / 2;
  const Index token = blockIdx.x;
  const Index angles = token % shape.length * half;
  const Index first_of_token = token * shape.num_heads * shape.head_dim;
  for (int pair = static_cast<int>(threadIdx.x); pair < half; pair += kPairs) {
    const float c = cos[angles + pair];
    const float s = __fmul_rn(sin[angles + pair], sign);
    const int a_at = kInterleaved ? 2 * pair : pair, b_at = kInterleaved ? 2 * pair + 1 : pair + half;
#pragma unroll 2
    for (int head = static_cast<int>(threadIdx.y); head < shape.num_heads; head += kHeads) {
      const Index at = first_of_token + Index{head} * shape.head_dim;
      const float a = x[at + a_at], b = x[at + b_at];
      y[at + a_at] = __fmaf_rn(a, c, -__fmul_rn(b, s));
      y[at + b_at] = __fmaf_rn(b, c, __fmul_rn(a, s));
    }
  }
  for (int head = static_cast<int>(threadIdx.y); head < shape.num_heads; head += kHeads) {
    const Index at = first_of_token + Index{head} * shape.head_dim;
    for (int e = shape.rotary_dim + static_cast<int>(threadIdx.x); e < shape.head_dim; e += kPairs)
      y[at + e] = x[at + e];
  }
}

}  // namespace

void rotate(Queue& queue, const RotaryShape& shape, float sign, const float* x, const float* cos, const float* sin,
            float* y) {
  launch(queue, shape.interleaved ? rotate_kernel<true> : rotate_kernel<false>, static_cast<unsigned>(shape.num_tokens),
         dim3(kPairs, kHeads), 0, shape, sign, x, cos, sin, y);
}

}  // namespace reprise::numerics::cuda
