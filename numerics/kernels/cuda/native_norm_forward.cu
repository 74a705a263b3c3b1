#include "native_norm.h"

namespace reprise::numerics::cuda {
namespace {

template <typename X, typename Y>
struct Rows {
  Index num_rows;
  int dim;
  const float* weight;
  float epsilon;
  const X* x;
  Y* y;
  float* inverse_rms;
};

// What is done behind the norm of a row. finish() gets the normalised values of the pack at i, and a function that
// gives those of any pack of the row.
struct Nothing {
  __device__ __forceinline__ Nothing of_row(Index, int) const { return {}; }
  template <int kWidth, typename Normal>
  __device__ __forceinline__ void finish(int, const Normal&, float*) const {}
};

struct Rotate {
  RowRotation rotation;
  __device__ __forceinline__ Rotate of_row(Index row, int) const { return {rotation.of_row(row)}; }
  template <int kWidth, typename Normal>
  __device__ __forceinline__ void finish(int i, const Normal& normal, float* values) const {
    rotation.rotate<kWidth>(i, normal, values);
  }
};

struct Add {
  const float* residual;
  __device__ __forceinline__ Add of_row(Index row, int dim) const { return {residual + row * dim}; }
  template <int kWidth, typename Normal>
  __device__ __forceinline__ void finish(int i, const Normal&, float* values) const {
    float before[kWidth];
    load_values<kWidth>(residual + i, before);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) values[j] = __fadd_rn(before[j], values[j]);
  }
};

template <typename F, typename X, typename Y, typename Behind>
__global__ void __launch_bounds__(kNormThreads) native_norm_kernel(const Rows<X, Y> rows, const Behind behind_rows) {
  constexpr int kWidth = F::kWidth;
  const Index row = Index{blockIdx.x} * F::kGroups + group_of_thread<F>();
  if (row >= rows.num_rows) return;
  const int dim = rows.dim;
  const X* const x = rows.x + row * dim;
  const RowPacks<F, X> packs(x, dim);
  float sum = 0.0f;
  visit_packs<F>(dim, [&](int part, int i) {
    float values[kWidth];
    packs.get(part, i, values);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) sum = __fmaf_rn(values[j], values[j], sum);
  });
  const float inverse = inverse_root(__fdiv_rn(sum_of_group<F>(sum), __int2float_rn(dim)), rows.epsilon);
  if (thread_of_group<F>() == 0) rows.inverse_rms[row] = inverse;
  const auto scale = [&](int i, float* values) {
    float weights[kWidth];
    load_values<kWidth>(rows.weight + i, weights);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) values[j] = __fmul_rn(__fmul_rn(values[j], inverse), weights[j]);
  };
  const Behind behind = behind_rows.of_row(row, dim);
  visit_packs<F>(dim, [&](int part, int i) {
    float values[kWidth];
    packs.get(part, i, values);
    scale(i, values);
    const auto normal = [&](int other, float* others) {
      load_values<kWidth>(x + other, others);
      scale(other, others);
    };
    behind.template finish<kWidth>(i, normal, values);
    store_values<kWidth>(rows.y + row * dim + i, values);
  });
}

template <typename X, typename Y, typename Behind>
void start(Queue& queue, const NativeNorm& norm, bool packs, const void* x, void* y, float* inverse_rms,
           const Behind& behind) {
  const Rows<X, Y> rows{norm.num_rows, static_cast<int>(norm.dim), norm.weight,
                        norm.epsilon,  static_cast<const X*>(x),   static_cast<Y*>(y),
                        inverse_rms};
  with_form(norm.dim, packs, [&](auto form) {
    using F = decltype(form);
    launch(queue, native_norm_kernel<F, X, Y, Behind>, blocks_for(norm.num_rows, F::kGroups), kNormThreads, 0, rows,
           behind);
  });
}

}  // namespace

void norm_rotate_forward(Queue& queue, const NativeNorm& norm, const NativeRotation& rotation, const void* x, void* y,
                         float* inverse_rms) {
  with_operand(norm.type, [&](auto operand) {
    using T = typename decltype(operand)::Type;
    start<T, T>(queue, norm, has_packs(norm) && has_packs(rotation), x, y, inverse_rms,
                Rotate{row_rotation(rotation, 1.0f)});
  });
}

void norm_add_forward(Queue& queue, const NativeNorm& norm, const float* residual, const void* x, float* sum,
                      float* inverse_rms) {
  with_operand(norm.type, [&](auto operand) {
    using T = typename decltype(operand)::Type;
    start<T, float>(queue, norm, has_packs(norm), x, sum, inverse_rms, Add{residual});
  });
}

void norm_forward(Queue& queue, const NativeNorm& norm, const float* x, void* y, float* inverse_rms) {
  with_operand(norm.type, [&](auto operand) {
    using T = typename decltype(operand)::Type;
    start<float, T>(queue, norm, has_packs(norm), x, y, inverse_rms, Nothing());
  });
}

}  // namespace reprise::numerics::cuda
