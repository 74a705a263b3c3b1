#include "column_sums.h"
#include "norm.h"
#include "row.h"

namespace reprise::numerics::cuda {
namespace {

template <int kKept>
__global__ void __launch_bounds__(kRowThreads, 2)
    rms_norm_forward_kernel(Index num_rows, int dim, const float* x, const float* weight, float epsilon, float* y,
                            float* inverse_rms) {
  const Index row = row_of_warp();
  if (row >= num_rows) return;
  const float* const x_row = x + row * dim;
  const auto read = [=](int i) { return element(x_row, i, dim); };
  RowValues<kKept> row_values;
  row_values.prepare(dim, read);
  float lane = 0.0f;
  visit_batches<kKept>(dim, [&](int part, int first) {
    const float* const values = row_values.batch(part, first, read);
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      if (reaches(first + k * kWarpSize, dim)) lane = __fmaf_rn(values[k], values[k], lane);
    }
  });
  const float inverse = inverse_root(mean_of_lanes(lane, dim), epsilon);
  if (lane_of_thread() == 0) inverse_rms[row] = inverse;
  visit_batches<kKept>(dim, [&](int part, int first) {
    const float* const values = row_values.batch(part, first, read);
    float weights[kBatch];
    compute_batch(
        first, [=](int i) { return element(weight, i, dim); }, weights);
    visit_elements(first, dim,
                   [&](int k, int i) { y[row * dim + i] = __fmul_rn(__fmul_rn(values[k], inverse), weights[k]); });
  });
}

template <int kKept>
__global__ void __launch_bounds__(kRowThreads, 1)
    rms_norm_input_gradient(Index num_rows, int dim, const float* dy, const float* x, const float* weight,
                            const float* inverse_rms, float* dx) {
  const Index row = row_of_warp();
  if (row >= num_rows) return;
  const float inverse = inverse_rms[row];
  const auto scaled = [=](int i) { return __fmul_rn(element(dy + row * dim, i, dim), element(weight, i, dim)); };
  const auto normal = [=](int i) { return __fmul_rn(element(x + row * dim, i, dim), inverse); };
  RowValues<kKept> scaled_row, normal_row;
  scaled_row.prepare(dim, scaled);
  normal_row.prepare(dim, normal);
  float lane = 0.0f;
  visit_batches<kKept>(dim, [&](int part, int first) {
    const float* const t = scaled_row.batch(part, first, scaled);
    const float* const h = normal_row.batch(part, first, normal);
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      if (reaches(first + k * kWarpSize, dim)) lane = __fmaf_rn(t[k], h[k], lane);
    }
  });
  const float mean = mean_of_lanes(lane, dim);
  visit_batches<kKept>(dim, [&](int part, int first) {
    const float* const t = scaled_row.batch(part, first, scaled);
    const float* const h = normal_row.batch(part, first, normal);
    visit_elements(first, dim,
                   [&](int k, int i) { dx[row * dim + i] = __fmul_rn(inverse, __fmaf_rn(-h[k], mean, t[k])); });
  });
}

struct WeightTerms {
  static constexpr bool kProducts = true;
  Index dim;
  const float* dy;
  const float* x;
  const float* inverse_rms;

  __device__ __forceinline__ float first(Index row, Index column) const { return dy[row * dim + column]; }
  __device__ __forceinline__ float second(Index row, Index column) const {
    return __fmul_rn(x[row * dim + column], inverse_rms[row]);
  }
};

}  // namespace

void rms_norm_forward(Queue& queue, Index num_rows, Index dim, const float* x, const float* weight, float epsilon,
                      float* y, float* inverse_rms) {
  with_kept(dim, [&](auto kept) {
    launch(queue, rms_norm_forward_kernel<decltype(kept)::kKept>, blocks_for(num_rows, kRowsPerBlock), kRowThreads, 0,
           num_rows, dim, x, weight, epsilon, y, inverse_rms);
  });
}

void rms_norm_backward(Queue& queue, Index num_rows, Index dim, const float* dy, const float* x, const float* weight,
                       const float* inverse_rms, float* dx, float* dweight) {
  // The weight's gradient first: dx may be the buffer of dy.
  sum_columns(queue, num_rows, dim, WeightTerms{dim, dy, x, inverse_rms}, dweight);
  with_kept(dim, [&](auto kept) {
    launch(queue, rms_norm_input_gradient<decltype(kept)::kKept>, blocks_for(num_rows, kRowsPerBlock), kRowThreads, 0,
           num_rows, dim, dy, x, weight, inverse_rms, dx);
  });
}

}  // namespace reprise::numerics::cuda
