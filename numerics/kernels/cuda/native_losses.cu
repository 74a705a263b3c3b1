// Cross-entropy and z-loss of rows of logits, and their gradient in the logits' place. A block per row. The greatest
// and the sum of the exponentials are found in one reading; a row that fits into shared memory waits there for the
// gradient, a longer one is read again.

#include <algorithm>

#include "launch.h"
#include "native.h"
#include "native_functions.h"
#include "operand.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / kWarpSize;
constexpr std::size_t kMostShared = 163 << 10;  // what compute capability 8.0 has
constexpr std::size_t kVariables = 512;         // at least the shared memory that is not dynamic
constexpr float kLowest = -0x1.fffffep127f;     // not infinity: two of them have no difference

template <typename T>
struct Rows {
  int vocab;
  T* logits;
  const std::int32_t* targets;
  float z_weight;
  bool gradient;
  float* cross_entropy;
  float* z;
};

/// What a thread knows of its part of a row: the sum of exp(x - greatest).
struct Part {
  float greatest = kLowest, sum = 0.0f;
};

template <typename T>
inline constexpr int kBatch = sizeof(T) == sizeof(float) ? 2 : 4;  // packs of a thread whose loads overlap

template <int kCount>
__device__ __forceinline__ void add_exponentials(const float* values, Part& part) {
  float greatest = part.greatest;
#pragma unroll
  for (int j = 0; j < kCount; ++j) greatest = fmaxf(greatest, values[j]);  // no NaN
  if (greatest > part.greatest) {
    part.sum = __fmul_rn(part.sum, exp_of_difference(__fsub_rn(part.greatest, greatest)));
    part.greatest = greatest;
  }
#pragma unroll
  for (int j = 0; j < kCount; ++j) part.sum = __fadd_rn(part.sum, exp_of_difference(__fsub_rn(values[j], greatest)));
}

/// Reads the row once; with kKeeps it then lies in `kept`, where each thread finds what it read itself.
template <int kWidth, bool kKeeps, typename T>
__device__ __forceinline__ Part read_row(const T* row, int vocab, T* kept) {
  constexpr int kStep = kThreads * kWidth;
  Part part;
#pragma unroll 1
  for (int first = static_cast<int>(threadIdx.x) * kWidth; first < vocab; first += kBatch<T> * kStep) {
    Pack<T, kWidth> packs[kBatch<T>] = {};
#pragma unroll
    for (int k = 0; k < kBatch<T>; ++k) {
      if (first + k * kStep < vocab) packs[k] = load_pack<kWidth>(row + first + k * kStep);
    }
#pragma unroll
    for (int k = 0; k < kBatch<T>; ++k) {
      if (first + k * kStep >= vocab) break;
      if constexpr (kKeeps) store_pack<kWidth>(kept + first + k * kStep, packs[k]);
      float values[kWidth];
      unpack(packs[k], values);
      add_exponentials<kWidth>(values, part);
    }
  }
  return part;
}

/// The greatest of the block's threads, for all of them.
__device__ __forceinline__ float greatest_of_block(float x) {
  REPRISE_SHARED(float, of_warps, [kWarps]);
  x = greatest_of_warp(x);
  if (threadIdx.x % kWarpSize == 0) of_warps[threadIdx.x / kWarpSize] = x;
  __syncthreads();
  return greatest_of_warp(of_warps[threadIdx.x % kWarps]);
}

__device__ __forceinline__ float sum_of_block(float x) {
  REPRISE_SHARED(float, of_warps, [kWarps]);
  x = sum_of_lanes(x);
  if (threadIdx.x % kWarpSize == 0) of_warps[threadIdx.x / kWarpSize] = x;
  __syncthreads();
  const unsigned lane = threadIdx.x % kWarpSize;
  return sum_of_lanes(lane < kWarps ? of_warps[lane] : 0.0f);
}

/// Calls store(i, values) for this thread's packs of a row, i the first element of one.
template <int kWidth, typename Visit>
__device__ __forceinline__ void visit_packs(int vocab, const Visit& visit) {
#pragma unroll 2
  for (int i = static_cast<int>(threadIdx.x) * kWidth; i < vocab; i += kThreads * kWidth) visit(i);
}

template <int kWidth, typename T>
__device__ __forceinline__ void clear_row(T* row, int vocab) {
  const float zeros[kWidth] = {};
  visit_packs<kWidth>(vocab, [&](int i) { store_values<kWidth>(row + i, zeros); });
}

/// exp(x - greatest) * coefficient, less 1 at the target.
template <int kWidth, typename T>
__device__ __forceinline__ void write_gradient(const T* from, T* row, int vocab, int target, float greatest,
                                               float coefficient) {
  visit_packs<kWidth>(vocab, [&](int i) {
    float values[kWidth];
    load_values<kWidth>(from + i, values);
#pragma unroll
    for (int j = 0; j < kWidth; ++j)
      values[j] = __fmul_rn(exp_of_difference(__fsub_rn(values[j], greatest)), coefficient);
    if (static_cast<unsigned>(target - i) < unsigned{kWidth}) {
#pragma unroll
      for (int j = 0; j < kWidth; ++j) values[j] = i + j == target ? __fsub_rn(values[j], 1.0f) : values[j];
    }
    store_values<kWidth>(row + i, values);
  });
}

/// Losses of one token per block. A target behind the vocabulary makes them NaN, and its gradient.
template <typename T, int kWidth, bool kKeeps>
__global__ void __launch_bounds__(kThreads, 2) native_losses_kernel(const Rows<T> rows) {
  const Index token = blockIdx.x;
  const int vocab = rows.vocab;
  T* const row = rows.logits + token * vocab;
  const int target = rows.targets[token];
  if (target < 0) {
    if (threadIdx.x == 0) rows.cross_entropy[token] = rows.z[token] = 0.0f;
    if (rows.gradient) clear_row<kWidth>(row, vocab);
    return;
  }
  T* const kept = reinterpret_cast<T*>(dynamic_shared());
  float target_logit = __int_as_float(0x7fc00000);
  if (threadIdx.x == 0 && target < vocab) load_values<1>(row + target, &target_logit);
  const Part part = read_row<kWidth, kKeeps>(row, vocab, kept);
  const float greatest = greatest_of_block(part.greatest);
  const float sum = sum_of_block(__fmul_rn(part.sum, exp_of_difference(__fsub_rn(part.greatest, greatest))));
  const float log_sum_exp = __fadd_rn(greatest, log_value(sum));
  if (threadIdx.x == 0) {
    rows.cross_entropy[token] = __fsub_rn(log_sum_exp, target_logit);
    rows.z[token] = __fmul_rn(log_sum_exp, log_sum_exp);
  }
  if (!rows.gradient) return;
  const float scale = __fmaf_rn(__fmul_rn(2.0f, rows.z_weight), log_sum_exp, 1.0f);
  const float coefficient = target < vocab ? __fdiv_rn(scale, sum) : __int_as_float(0x7fc00000);
  write_gradient<kWidth>(kKeeps ? kept : row, row, vocab, target, greatest, coefficient);
}

template <typename T, int kWidth>
void start(Queue& queue, Index num_tokens, const Rows<T>& rows) {
  const std::size_t row_bytes = (static_cast<std::size_t>(rows.vocab) * sizeof(T) + 15) / 16 * 16;
  const auto num_blocks = static_cast<unsigned>(num_tokens);
  if (rows.gradient && row_bytes + kVariables <= std::min(kMostShared, queue.shared_bytes_per_block())) {
    launch(queue, native_losses_kernel<T, kWidth, true>, num_blocks, kThreads, row_bytes, rows);
  } else {
    launch(queue, native_losses_kernel<T, kWidth, false>, num_blocks, kThreads, 0, rows);
  }
}

}  // namespace

void token_losses(Queue& queue, OperandType type, const NativeLosses& losses) {
  with_operand(type, [&](auto operand) {
    using T = typename decltype(operand)::Type;
    const Rows<T> rows{static_cast<int>(losses.vocab), static_cast<T*>(losses.logits), losses.targets, losses.z_weight,
                       losses.with_gradient,           losses.cross_entropy,           losses.z};
    if (losses.vocab % kPackWidth == 0) {
      start<T, kPackWidth>(queue, losses.num_tokens, rows);
    } else {
      start<T, 1>(queue, losses.num_tokens, rows);
    }
  });
}

}  // namespace reprise::numerics::cuda
