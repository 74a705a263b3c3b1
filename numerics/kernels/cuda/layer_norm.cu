#include "column_sums.h"
#include "linear_bias.h"
#include "norm.h"
#include "row.h"

namespace reprise::numerics::cuda {
namespace {

template <int kKept, bool kBias>
__global__ void __launch_bounds__(kRowThreads, 1)
    layer_norm_forward_kernel(Index num_rows, int dim, const float* x, const float* weight, const float* bias,
                              float epsilon, float* y, float* means, float* inverse_deviations) {
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
      if (reaches(first + k * kWarpSize, dim)) lane = __fadd_rn(lane, values[k]);
    }
  });
  const float mean = mean_of_lanes(lane, dim);
  lane = 0.0f;
  visit_batches<kKept>(dim, [&](int part, int first) {
    const float* const values = row_values.batch(part, first, read);
    // What extends the row is a distance of zero, which adds nothing to a sum of squares.
    visit_elements(first, dim, [&](int k, int) {
      const float distance = __fsub_rn(values[k], mean);
      lane = __fmaf_rn(distance, distance, lane);
    });
  });
  const float inverse = inverse_root(mean_of_lanes(lane, dim), epsilon);
  if (lane_of_thread() == 0) {
    means[row] = mean;
    inverse_deviations[row] = inverse;
  }
  visit_batches<kKept>(dim, [&](int part, int first) {
    const float* const values = row_values.batch(part, first, read);
    float weights[kBatch], biases[kBatch];
    compute_batch(
        first, [=](int i) { return element(weight, i, dim); }, weights);
    if (kBias)
      compute_batch(
          first, [=](int i) { return element(bias, i, dim); }, biases);
    visit_elements(first, dim, [&](int k, int i) {
      const float normal = __fmul_rn(__fsub_rn(values[k], mean), inverse);
      y[row * dim + i] = kBias ? __fmaf_rn(normal, weights[k], biases[k]) : __fmul_rn(normal, weights[k]);
    });
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
  RowValues<kKept> scaled_row, normal_row;
  scaled_row.prepare(dim, scaled);
  normal_row.prepare(dim, normal);
  float lane = 0.0f, projected_lane = 0.0f;
  visit_batches<kKept>(dim, [&](int part, int first) {
    const float* const t = scaled_row.batch(part, first, scaled);
    const float* const h = normal_row.batch(part, first, normal);
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      if (!reaches(first + k * kWarpSize, dim)) continue;
      lane = __fadd_rn(lane, t[k]);
      projected_lane = __fmaf_rn(t[k], h[k], projected_lane);  // where the row ends t and x are +0 [C-35]
    }
  });
  const float shift = mean_of_lanes(lane, dim), slope = mean_of_lanes(projected_lane, dim);
  visit_batches<kKept>(dim, [&](int part, int first) {
    const float* const t = scaled_row.batch(part, first, scaled);
    const float* const h = normal_row.batch(part, first, normal);
    visit_elements(first, dim, [&](int k, int i) {
      dx[row * dim + i] = __fmul_rn(inverse, __fmaf_rn(-h[k], slope, __fsub_rn(t[k], shift)));
    });
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
    constexpr int kKept = decltype(kept)::kKept;
    const auto kernel =
        bias == nullptr ? layer_norm_forward_kernel<kKept, false> : layer_norm_forward_kernel<kKept, true>;
    launch(queue, kernel, blocks_for(num_rows, kRowsPerBlock), kRowThreads, 0, num_rows, dim, x, weight, bias, epsilon,
           y, mean, inverse_deviation);
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
