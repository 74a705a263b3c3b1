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

// What is done behind the norm of a row: finish() changes the normalised values of a unit, which begins at i.
struct Nothing {
  using Packs = Single;
  template <typename F>
  struct OfRow {
    __device__ __forceinline__ OfRow(const Nothing&, const Share<F, Packs>&, Index) {}
    __device__ __forceinline__ void finish(int, int, float*) const {}
  };
  __device__ __forceinline__ Packs packs() const { return {}; }
};

struct Rotate {
  using Packs = RowRotation::Packs;
  template <typename F>
  struct OfRow {
    RowRotation rotation;
    __device__ __forceinline__ OfRow(const Rotate& all, const Share<F, Packs>&, Index row)
        : rotation(all.rotation.of_row(row)) {}
    __device__ __forceinline__ void finish(int, int i, float* values) const { rotation.rotate<F::kWidth>(i, values); }
  };
  __device__ __forceinline__ Packs packs() const { return rotation.packs(); }
  RowRotation rotation;
};

struct Add {
  using Packs = Single;
  template <typename F>
  struct OfRow {
    UnitValues<F, Packs, float> residual;  // read with the row, not behind its sum
    __device__ __forceinline__ OfRow(const Add& all, const Share<F, Packs>& share, Index row)
        : residual(share, all.residual + row * share.dim) {}
    __device__ __forceinline__ void finish(int unit, int i, float* values) const {
      float before[F::kWidth];
      residual.get(unit, i, before);
#pragma unroll
      for (int j = 0; j < F::kWidth; ++j) values[j] = __fadd_rn(before[j], values[j]);
    }
  };
  __device__ __forceinline__ Packs packs() const { return {}; }
  const float* residual;
};

template <typename F, typename X, typename Y, typename Behind>
__global__ void __launch_bounds__(kNormThreads) native_norm_kernel(const Rows<X, Y> rows, const Behind behind_rows) {
  using Packs = typename Behind::Packs;
  const Index row = Index{blockIdx.x} * F::kGroups + group_of_thread<F>();
  if (row >= rows.num_rows) return;
  const int dim = rows.dim;
  const Share<F, Packs> share{dim, behind_rows.packs()};
  constexpr int kValues = decltype(share)::kValues;
  const UnitValues<F, Packs, X> x(share, rows.x + row * dim);
  const typename Behind::template OfRow<F> behind(behind_rows, share, row);
  float sum = 0.0f;
  share.visit([&](int unit, int i) {
    float values[kValues];
    x.get(unit, i, values);
#pragma unroll
    for (int j = 0; j < kValues; ++j) sum = __fmaf_rn(values[j], values[j], sum);
  });
  const float inverse = inverse_root(__fdiv_rn(sum_of_group<F>(sum), __int2float_rn(dim)), rows.epsilon);
  if (thread_of_group<F>() == 0) rows.inverse_rms[row] = inverse;
  share.visit([&](int unit, int i) {
    float values[kValues];
    x.get(unit, i, values);
#pragma unroll
    for (int j = 0; j < kValues; ++j) values[j] = __fmul_rn(values[j], inverse);
    share.multiply(rows.weight, i, values);
    behind.finish(unit, i, values);
    share.store(rows.y + row * dim, i, values);
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
