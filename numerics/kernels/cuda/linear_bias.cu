#include "column_sums.h"
#include "linear_bias.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kColumns = 64;  // of a block
constexpr int kRowStep = 4;   // rows that its threads work on at once
constexpr int kRows = 32;     // of a block

__global__ void add_bias_kernel(Index num_rows, Index dim, unsigned num_tiles, const float* bias, float* y) {
  const Index column = Index{blockIdx.x % num_tiles} * kColumns + threadIdx.x;
  if (column >= dim) return;
  const float b = bias[column];
  const Index first = Index{blockIdx.x / num_tiles} * kRows + threadIdx.y;
  float values[kRows / kRowStep];  // loads of all rows first: they overlap
#pragma unroll
  for (int part = 0; part < kRows / kRowStep; ++part) {
    const Index row = first + part * kRowStep;
    values[part] = row < num_rows ? y[row * dim + column] : 0.0f;
  }
#pragma unroll
  for (int part = 0; part < kRows / kRowStep; ++part) {
    const Index row = first + part * kRowStep;
    if (row < num_rows) y[row * dim + column] = __fadd_rn(values[part], b);
  }
}

struct BiasTerms {
  static constexpr bool kProducts = false;
  Index dim;
  const float* dy;

  __device__ __forceinline__ float first(Index row, Index column) const { return dy[row * dim + column]; }
};

}  // namespace

void add_bias(Queue& queue, Index num_rows, Index dim, const float* bias, float* y) {
  const unsigned num_tiles = blocks_for(dim, kColumns);
  launch(queue, add_bias_kernel, num_tiles * blocks_for(num_rows, kRows), dim3(kColumns, kRowStep), 0, num_rows, dim,
         num_tiles, bias, y);
}

void bias_gradient(Queue& queue, Index num_rows, Index dim, const float* dy, float* dbias) {
  sum_columns(queue, num_rows, dim, BiasTerms{dim, dy}, dbias);
}

}  // namespace reprise::numerics::cuda
