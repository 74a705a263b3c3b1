// LM head, cross-entropy and z-loss [C-15], one chunk of tokens at a time: the logits of a chunk become their own
// gradient in place, and both products read them before the next chunk overwrites them.

#include <algorithm>
#include <cstring>

#include "functions.h"
#include "gemm.h"
#include "head_loss.h"
#include "launch.h"
#include "reprise/numerics/kernels.h"

namespace reprise::numerics::cuda {
namespace {

// Two blocks fill a multiprocessor, so that few rows are in work at a time and stay in the second-level cache.
constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / kWarpSize;
constexpr int kSummands = 4 * kThreads;  // exponentials that wait in shared memory for their addition

struct Rows {
  Index vocab, stride;
  float* logits;
  const std::int32_t* targets;
  float z_weight;
  bool gradient;
  float* cross_entropy;
  float* z;
};

/// The greatest of the row, for all threads [C-5].
__device__ __forceinline__ float greatest_of_row(const float* row, Index vocab) {
  REPRISE_SHARED(float, of_warps, [kWarps]);
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  float greatest = -__int_as_float(0x7f800000);
#pragma unroll 4
  for (Index i = threadIdx.x; i < vocab; i += kThreads) greatest = row[i] > greatest ? row[i] : greatest;
  greatest = greatest_of_warp(greatest);
  if (lane == 0) of_warps[threadIdx.x / kWarpSize] = greatest;
  __syncthreads();
  static_assert(kWarps == kWarpSize);
  return greatest_of_warp(of_warps[lane]);
}

/// Puts e = exp(logit - maximum) into the row, if it is to be kept, and returns the sum of all e [C-4] to the first
/// warp. That warp adds, one lane per thread; it has the exponentials of a piece of the row to add while all compute
/// those of the next.
__device__ __forceinline__ float exponentiate(float* row, Index vocab, float maximum, bool keep) {
  REPRISE_SHARED(float, summands, [2][kSummands]);
  float lane_sum = 0.0f;
  int buffer = 0;
  for (Index first = 0; first < vocab; first += kSummands, buffer ^= 1) {
    const int count = vocab - first < kSummands ? static_cast<int>(vocab - first) : kSummands;
    for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads) {
      const float e = exp_value(__fsub_rn(row[first + i], maximum));
      summands[buffer][i] = e;
      if (keep) row[first + i] = e;
    }
    __syncthreads();  // the piece is there, and the first warp is done with the one before
    if (threadIdx.x >= kWarpSize) continue;
#pragma unroll 8
    for (int i = static_cast<int>(threadIdx.x); i < count; i += kWarpSize) {
      lane_sum = __fadd_rn(lane_sum, summands[buffer][i]);
    }
  }
  return threadIdx.x < kWarpSize ? sum_of_lanes(lane_sum) : 0.0f;
}

/// Losses of one token per block; with `gradient`, logits become d(cross_entropy + z_weight * z) / d(logits).
__global__ void __launch_bounds__(kThreads) token_losses_kernel(const Rows rows) {
  REPRISE_SHARED(float, shared_coefficient, [1]);
  const Index token = blockIdx.x;
  float* const row = rows.logits + token * rows.stride;
  const Index target = rows.targets[token];
  if (target < 0) {
    if (threadIdx.x == 0) rows.cross_entropy[token] = rows.z[token] = 0.0f;
    if (!rows.gradient) return;
    for (Index i = threadIdx.x; i < rows.vocab; i += kThreads) row[i] = 0.0f;
    return;
  }
  const float target_logit = target < rows.vocab ? row[target] : __int_as_float(0x7fc00000);
  const float maximum = greatest_of_row(row, rows.vocab);
  const float sum = exponentiate(row, rows.vocab, maximum, rows.gradient);
  if (threadIdx.x < kWarpSize) {
    const float log_sum_exp = __fadd_rn(maximum, log_value(sum));
    const float coefficient = __fdiv_rn(__fmaf_rn(__fmul_rn(2.0f, rows.z_weight), log_sum_exp, 1.0f), sum);
    if (threadIdx.x == 0) {
      rows.cross_entropy[token] = __fsub_rn(log_sum_exp, target_logit);
      rows.z[token] = __fmul_rn(log_sum_exp, log_sum_exp);
      shared_coefficient[0] = target < rows.vocab ? coefficient : target_logit;
    }
  }
  if (!rows.gradient) return;
  __syncthreads();
  const float coefficient = shared_coefficient[0];
#pragma unroll 4
  for (Index i = threadIdx.x; i < rows.vocab; i += kThreads) {
    row[i] = i == target ? __fmaf_rn(row[i], coefficient, -1.0f) : __fmul_rn(row[i], coefficient);
  }
}

/// Tokens of a chunk. Segments of dweight end where chunks end; the chunks are about equal.
Index chunk_tokens(Index num_tokens, Index stride, Index max_logits) {
  const Index most = std::max(max_logits / stride / kGemmSegment, Index{1}) * kGemmSegment;
  const Index num_chunks = (num_tokens + most - 1) / most;
  const Index even = (num_tokens + num_chunks - 1) / num_chunks;
  return std::min((even + kGemmSegment - 1) / kGemmSegment * kGemmSegment, num_tokens);
}

}  // namespace

void head_loss(Queue& queue, int num_multiprocessors, const HeadLoss& head, Index max_logits) {
  const bool gradient = head.dh != nullptr;
  if (head.num_tokens == 0) {
    if (gradient) queue.stream().clear(head.dweight, static_cast<std::size_t>(head.vocab * head.dim) * sizeof(float));
    return;
  }
  constexpr Index kSector = 8;  // floats
  const Index stride = (head.vocab + kSector - 1) / kSector * kSector;
  const Index chunk = chunk_tokens(head.num_tokens, stride, max_logits);
  float* const logits = queue.scratch(Scratch::kLogits, chunk * stride);
  const auto multiply = [&](Index m, Index n, const ProductPart& part, float* c, Index ldc, bool continue_sums) {
    multiply_parts(queue, num_multiprocessors, m, n, {&part, 1}, c, ldc, continue_sums);
  };
  for (Index first = 0; first < head.num_tokens; first += chunk) {
    const Index count = std::min(chunk, head.num_tokens - first);
    const float* const h = head.h + first * head.dim;
    multiply(count, head.vocab, {h, head.dim, 1, head.weight, 1, head.dim, head.dim}, logits, stride, false);
    const Rows rows{
        head.vocab,    stride, logits, head.targets + first, head.z_weight, gradient, head.cross_entropy + first,
        head.z + first};
    launch(queue, token_losses_kernel, blocks_for(count, 1), kThreads, 0, rows);
    if (!gradient) continue;
    multiply(count, head.dim, {logits, stride, 1, head.weight, head.dim, 1, head.vocab}, head.dh + first * head.dim,
             head.dim, false);
    multiply(head.vocab, head.dim, {logits, 1, stride, h, head.dim, 1, count}, head.dweight, head.dim, first > 0);
  }
}

}  // namespace reprise::numerics::cuda
