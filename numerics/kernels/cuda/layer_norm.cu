#include "column_sums.h"
#include "linear_bias.h"
#include "norm.h"
#include "row.h"

namespace reprise::numerics::cuda {
namespace {

template <int kKept>
__global__ void __launch_bounds__(kRowThreads, 1)
    layer_norm_forward_kernel(Index num_rows, int dim, const float* x, const float* weight, const float* bias,
                              float epsilon, float* y, float* means, float* inverse_deviations) {
  const Index row = row_of_warp();
  if (row >= num_rows) return;
  const float* const x_row = x + row * dim;
  KeptValues<kKept> kept;
  float lane = 0.0f;
  visit_row<kKept>(dim, [&](int part, int i) {
    const float value = element(x_row, i, dim);
    kept.keep(part, value);
    lane = __fadd_rn(lane, value);
  });
  const float mean = mean_of_lanes(lane, dim);
  lane = 0.0f;
  visit_row<kKept>(dim, [&](int part, int i) {
    const float value = kept.again(part, [&] { return element(x_row, i, dim); });
    const float distance = i < dim ? __fsub_rn(value, mean) : 0.0f;  // what extends the row is a distance
    lane = __fmaf_rn(distance, distance, lane);
  });
  const float inverse = inverse_root(mean_of_lanes(lane, dim), epsilon);
  if (lane_of_thread() == 0) {
    means[row] = mean;
    inverse_deviations[row] = inverse;
  }
  visit_row<kKept>(dim, [&](int part, int i) {
    if (i >= dim) return;
    const float value = kept.again(part, [&] { return x_row[i]; });
    const float normal = __fmul_rn(__fsub_rn(value, mean), inverse);
    y[row * dim + i] = bias == nullptr ? __fmul_rn(normal, weight[i]) : __fmaf_rn(normal, weight[i], bias[i]);
  });
}

template <int kKept>
__global__ void __launch_bounds__(kRowThreads, 1)
    layer_norm_input_gradient(Index num_rows, int dim, const float* dy, const float* x, const float* weight,
                              const float* means, const float* inverse_deviations, float* dx) {
  const Index row = row_of_warp();
  if (row >= num_rows) return;
  const float mean = means[row], inverse = inverse_deviations[row];
  const auto scaled = [=](int i) { return __fmul_rn(element(dy + row * dim, i, dim), element(weight, i, dim)); };
  const auto normal = [=](int i) { return __fmul_rn(__fsub_rn(element(x + row * dim, i, dim), mean), inverse); };
  KeptValues<kKept> scaled_values, normal_values;
  float lane = 0.0f, projected_lane = 0.0f;
  visit_row<kKept>(dim, [&](int part, int i) {
    const float t = scaled(i), h = normal(i);  // t is +0 where the row ends, whatever h is
    scaled_values.keep(part, t);
    normal_values.keep(part, h);
    lane = __fadd_rn(lane, t);
    projected_lane = __fmaf_rn(t, h, projected_lane);
  });
  const float shift = mean_of_lanes(lane, dim), slope = mean_of_lanes(projected_lane, dim);
  visit_row<kKept>(dim, [&](int part, int i) {
    if (i >= dim) return;
    const float t = scaled_values.again(part, [&] { return scaled(i); });
    const float h = normal_values.again(part, [&] { return normal(i); });
    dx[row * dim + i] = __fmul_rn(inverse, __fmaf_rn(-h, slope, __fsub_rn(t, shift)));
  });
}

struct WeightTerms {
  static constexpr bool kProducts = true;
  Index dim;
  const float* dy;
  const float* x;
  const float* means;
  const float* inverse_deviations;

  __device__ __forceinline__ float first(Index row, Index column) const { return dy[row * dim + column]; }
  __device__ __forceinline__ float second(Index row, Index column) const {
    return __fmul_rn(__fsub_rn(x[row * dim + column], means[row]), inverse_deviations[row]);
  }
};

}  // namespace

void layer_norm_forward(Queue& queue, Index num_rows, Index dim, const float* x, const float* weight, const float* bias,
                        float epsilon, float* y, float* mean, float* inverse_deviation) {
  with_kept(dim, [&](auto kept) {
    launch(queue, layer_norm_forward_kernel<decltype(kept)::kKept>, blocks_for(num_rows, kRowsPerBlock), kRowThreads, 0,
           num_rows, dim, x, weight, bias, epsilon, y, mean, inverse_deviation);
  });
}

void layer_norm_backward(Queue& queue, Index num_rows, Index dim, const float* dy, const float* x, const float* weight,
                         const float* mean, const float* inverse_deviation, float* dx, float* dweight, float* dbias) {
  // The gradients of the parameters first: dx may be the buffer of dy.
  sum_columns(queue, num_rows, dim, WeightTerms{dim, dy, x, mean, inverse_deviation}, dweight);
  if (dbias != nullptr) bias_gradient(queue, num_rows, dim, dy, dbias);
  with_kept(dim, [&](auto kept) {
    launch(queue, layer_norm_input_gradient<decltype(kept)::kKept>, blocks_for(num_rows, kRowsPerBlock), kRowThreads, 0,
           num_rows, dim, dy, x, weight, mean, inverse_deviation, dx);
  });
}

}  // namespace reprise::numerics::cuda
