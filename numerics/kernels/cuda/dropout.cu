#include <algorithm>

#include "dropout.h"
#include "launch.h"
#include "philox.h"
#include "reprise/core/philox.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWords = 4;
constexpr Index kMostRowsOfBlocks = 65535;  // that a grid may have

/// A thread has a block of four random words, so a warp has 128 elements one after another, in four pieces of 32.
__global__ void dropout_kernel(Index num_sequences, Index count, DropoutRule rule, const std::uint64_t* samples,
                               const float* x, float* y) {
  const Index block = Index{blockIdx.x} * kThreads + threadIdx.x;
  const Index first = block / kWarpSize * (kWarpSize * kWords) + block % kWarpSize;
  if (first >= count) return;
  for (Index sequence = blockIdx.y; sequence < num_sequences; sequence += gridDim.y) {
    const std::uint64_t sample = samples[sequence];
    const float* const from = x + sequence * count;
    float* const to = y + sequence * count;
    float values[kWords];
#pragma unroll
    for (int word = 0; word < kWords; ++word) {
      const Index i = first + word * kWarpSize;
      values[word] = i < count ? from[i] : 0.0f;
    }
    const RandomWords random =
        philox4x32_10({{static_cast<std::uint32_t>(RandomPurpose::kDropout),
                        rule.site << 16 | static_cast<std::uint32_t>(sample >> 32), static_cast<std::uint32_t>(sample),
                        static_cast<std::uint32_t>(block)}},
                      static_cast<std::uint32_t>(rule.seed), static_cast<std::uint32_t>(rule.seed >> 32));
#pragma unroll
    for (int word = 0; word < kWords; ++word) {
      const Index i = first + word * kWarpSize;
      if (i < count) to[i] = random.words[word] < rule.threshold ? 0.0f : __fmul_rn(values[word], rule.factor);
    }
  }
}

}  // namespace

void dropout(Queue& queue, Index num_sequences, Index count, const DropoutRule& rule, const std::uint64_t* samples,
             const float* x, float* y) {
  const auto rows = static_cast<unsigned>(std::min(num_sequences, kMostRowsOfBlocks));
  launch(queue, dropout_kernel, dim3(blocks_for(count, kThreads * kWords), rows), kThreads, 0, num_sequences, count,
         rule, samples, x, y);
}

}  // namespace reprise::numerics::cuda
