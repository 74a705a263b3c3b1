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
  float* const y_row = y + row * dim;
  KeptValues<kKept> kept;
  float lane = 0.0f;
  visit_row<kKept>(dim, [&](int part, int i) {
    const float value = element(x_row, i, dim);
    kept.keep(part, value);
    lane = __fmaf_rn(value, value, lane);
  });
  const float inverse = inverse_root(mean_of_lanes(lane, dim), epsilon);
  if (lane_of_thread() == 0) inverse_rms[row] = inverse;
  visit_row<kKept>(dim, [&](int part, int i) {
    if (i >= dim) return;
    const float value = kept.again(part, [&] { return x_row[i]; });
    y_row[i] = __fmul_rn(__fmul_rn(value, inverse), weight[i]);
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
  KeptValues<kKept> scaled_values, normal_values;
  float lane = 0.0f;
  visit_row<kKept>(dim, [&](int part, int i) {
    const float t = scaled(i), h = normal(i);
    scaled_values.keep(part, t);
    normal_values.keep(part, h);
    lane = __fmaf_rn(t, h, lane);
  });
  const float mean = mean_of_lanes(lane, dim);
  visit_row<kKept>(dim, [&](int part, int i) {
    if (i >= dim) return;
    const float t = scaled_values.again(part, [&] { return scaled(i); });
    const float h = normal_values.again(part, [&] { return normal(i); });
    dx[row * dim + i] = __fmul_rn(inverse, __fmaf_rn(-h, mean, t));
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
