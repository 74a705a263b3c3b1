#include "column_sums.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void add_segments_kernel(Index num_segments, Index dim, const float* segment_sums, float* sums) {
  const Index column = Index{blockIdx.x} * kThreads + threadIdx.x;
  if (column >= dim) return;
  float total = segment_sums[column];
#pragma unroll 8
  for (Index segment = 1; segment < num_segments; ++segment) {
    total = __fadd_rn(total, segment_sums[segment * dim + column]);
  }
  sums[column] = total;
}

}  // namespace

void add_segments(Queue& queue, Index num_segments, Index dim, const float* segment_sums, float* sums) {
  launch(queue, add_segments_kernel, blocks_for(dim, kThreads), kThreads, 0, num_segments, dim, segment_sums, sums);
}

}  // namespace reprise::numerics::cuda
