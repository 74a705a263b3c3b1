// dx and the weight's gradient in one reading of dy and x. A block takes kRowsOfBlock neighbouring rows; each thread
// keeps to its columns and adds their share of the weight's gradient up, and a second kernel adds what the blocks have.

#include "native_norm.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kRowsOfBlock = 32;

template <typename Dy, typename X>
struct Rows {
  Index num_rows;
  int dim;
  const float* weight;
  const Dy* dy;
  const X* x;
  const float* inverse_rms;
  X* dx;
  float* sums;  // [blocks, D]
};

// What lies between dy and the norm: undo() turns the values of dy's unit at i into the gradient of the norm's result.
struct Nothing {
  using Packs = Single;
  __device__ __forceinline__ Packs packs() const { return {}; }
  __device__ __forceinline__ Nothing of_row(Index) const { return {}; }
  template <int kWidth>
  __device__ __forceinline__ void undo(int, float*) const {}
};

struct RotateBack {
  using Packs = RowRotation::Packs;
  RowRotation rotation;
  __device__ __forceinline__ Packs packs() const { return rotation.packs(); }
  __device__ __forceinline__ RotateBack of_row(Index row) const { return {rotation.of_row(row)}; }
  template <int kWidth>
  __device__ __forceinline__ void undo(int i, float* values) const {
    rotation.rotate<kWidth>(i, values);
  }
};

/// The threads' sums of columns over the rows of a block. Rows of any length have theirs in memory, each element used
/// by one thread alone.
template <typename F, typename Packs>
class ColumnSums {
 public:
  using RowShare = Share<F, Packs>;
  __device__ __forceinline__ ColumnSums(const RowShare& share, float* sums) : share_(share), sums_(sums) {}
  __device__ __forceinline__ void add(int unit, int i, bool is_first, const float* a, const float* b) {
    float added[kValues] = {};
    if (F::kKept == 0 && !is_first) share_.load(sums_, i, added);
#pragma unroll
    for (int j = 0; j < kValues; ++j) {
      if constexpr (F::kKept > 0) {
        kept_[unit][j] = __fmaf_rn(a[j], b[j], kept_[unit][j]);
      } else {
        added[j] = __fmaf_rn(a[j], b[j], added[j]);
      }
    }
    if constexpr (F::kKept == 0) share_.store(sums_, i, added);
  }
  /// Writes the block's sums. Every thread of the block calls it.
  __device__ __forceinline__ void finish() {
    const int dim = share_.dim;
    if constexpr (F::kGroups > 1) {
      float* const of_groups = dynamic_shared();  // [kGroups, D]
      write(of_groups + group_of_thread<F>() * dim);
      __syncthreads();
      for (int i = static_cast<int>(threadIdx.x); i < dim; i += kNormThreads) {
        float sum = of_groups[i];
#pragma unroll
        for (int group = 1; group < F::kGroups; ++group) sum = __fadd_rn(sum, of_groups[group * dim + i]);
        sums_[i] = sum;
      }
    } else if constexpr (F::kKept > 0) {
      write(sums_);
    }
  }

 private:
  static constexpr int kValues = RowShare::kValues;
  __device__ __forceinline__ void write(float* to) {
    share_.visit([&](int unit, int i) { share_.store(to, i, kept_[unit]); });
  }

  RowShare share_;
  float* sums_;
  float kept_[RowShare::kUnits][kValues] = {};
};

/// Writes dx of a row and adds its share to the sums of columns.
template <typename F, typename Packs, typename Dy, typename X, typename Between>
__device__ __forceinline__ void row_backward(const Share<F, Packs>& share, const Rows<Dy, X>& rows, Index row,
                                             const Between& between, bool is_first, ColumnSums<F, Packs>& sums) {
  constexpr int kValues = Share<F, Packs>::kValues;
  const int dim = rows.dim;
  const UnitValues<F, Packs, Dy> dy(share, rows.dy + row * dim);
  const UnitValues<F, Packs, X> x(share, rows.x + row * dim);
  const float inverse = rows.inverse_rms[row];
  const auto normal = [&](int unit, int i, float* values) {
    x.get(unit, i, values);
#pragma unroll
    for (int j = 0; j < kValues; ++j) values[j] = __fmul_rn(values[j], inverse);
  };
  const auto gradient = [&](int unit, int i, float* values) {
    dy.get(unit, i, values);
    between.template undo<F::kWidth>(i, values);
  };
  float dot = 0.0f;
  share.visit([&](int unit, int i) {
    float normals[kValues], gradients[kValues];
    normal(unit, i, normals);
    gradient(unit, i, gradients);
    sums.add(unit, i, is_first, gradients, normals);
    share.multiply(rows.weight, i, gradients);
#pragma unroll
    for (int j = 0; j < kValues; ++j) dot = __fmaf_rn(gradients[j], normals[j], dot);
  });
  const float mean = __fdiv_rn(sum_of_group<F>(dot), __int2float_rn(dim));
  const float* const weight = recomputed(rows.weight);  // or products with it would stay in registers
  share.visit([&](int unit, int i) {
    float normals[kValues], gradients[kValues];
    normal(unit, i, normals);
    gradient(unit, i, gradients);
    share.multiply(weight, i, gradients);
#pragma unroll
    for (int j = 0; j < kValues; ++j) {
      gradients[j] = __fmul_rn(inverse, __fmaf_rn(-normals[j], mean, gradients[j]));
    }
    share.store(rows.dx + row * dim, i, gradients);
  });
}

/// Blocks on a multiprocessor, or more; what is kept of rows of floats leaves no room for two.
template <typename Dy, typename X, typename Between>
inline constexpr int kBlocks = sizeof(Dy) + sizeof(X) == 8 && Between::Packs::kPacks == 2 ? 1 : 2;

template <typename F, typename Dy, typename X, typename Between>
__global__ void __launch_bounds__(kNormThreads, (kBlocks<Dy, X, Between>))
    native_norm_backward_kernel(const Rows<Dy, X> rows, const Between between) {
  using Packs = typename Between::Packs;
  const Index begin = Index{blockIdx.x} * kRowsOfBlock;
  const Index end = begin + kRowsOfBlock < rows.num_rows ? begin + kRowsOfBlock : rows.num_rows;
  const Share<F, Packs> share{rows.dim, between.packs()};
  ColumnSums<F, Packs> sums(share, rows.sums + Index{blockIdx.x} * rows.dim);
#pragma unroll 1
  for (Index row = begin + group_of_thread<F>(); row < end; row += F::kGroups) {
    row_backward(share, rows, row, between.of_row(row), row == begin, sums);
  }
  sums.finish();
}

constexpr int kSumThreads = 1024;

/// Adds the blocks' sums: a warp every 32nd block, 32 columns of it, and the first warp what the warps have.
__global__ void __launch_bounds__(kSumThreads)
    add_blocks_kernel(Index num_blocks, int dim, const float* of_blocks, float* sums) {
  constexpr int kWarps = kSumThreads / kWarpSize;
  REPRISE_SHARED(float, of_warps, [kWarps][kWarpSize]);
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const Index column = Index{blockIdx.x} * kWarpSize + lane;
  float sum = 0.0f;
  if (column < dim) {
#pragma unroll 8
    for (Index block = warp; block < num_blocks; block += kWarps) {
      sum = __fadd_rn(sum, of_blocks[block * dim + column]);
    }
  }
  of_warps[warp][lane] = sum;
  __syncthreads();
  if (warp != 0 || column >= dim) return;
#pragma unroll
  for (int other = 1; other < kWarps; ++other) sum = __fadd_rn(sum, of_warps[other][lane]);
  sums[column] = sum;
}

template <typename Dy, typename X, typename Between>
void start(Queue& queue, const NativeNorm& norm, bool packs, const void* dy, const void* x, const float* inverse_rms,
           void* dx, float* dweight, const Between& between) {
  if (norm.num_rows == 0) {
    queue.stream().clear(dweight, static_cast<std::size_t>(norm.dim) * sizeof(float));
    return;
  }
  const unsigned num_blocks = blocks_for(norm.num_rows, kRowsOfBlock);
  float* const sums = queue.scratch(Scratch::kNormWeights, Index{num_blocks} * norm.dim);
  const int dim = static_cast<int>(norm.dim);
  const Rows<Dy, X> rows{
      norm.num_rows,       dim, norm.weight, static_cast<const Dy*>(dy), static_cast<const X*>(x), inverse_rms,
      static_cast<X*>(dx), sums};
  with_form(norm.dim, packs, [&](auto form) {
    using F = decltype(form);
    const std::size_t shared_bytes = F::kGroups > 1 ? F::kGroups * static_cast<std::size_t>(dim) * sizeof(float) : 0;
    launch(queue, native_norm_backward_kernel<F, Dy, X, Between>, num_blocks, kNormThreads, shared_bytes, rows,
           between);
  });
  launch(queue, add_blocks_kernel, blocks_for(norm.dim, kWarpSize), kSumThreads, 0, Index{num_blocks}, dim, sums,
         dweight);
}

}  // namespace

void norm_rotate_backward(Queue& queue, const NativeNorm& norm, const NativeRotation& rotation, const void* dy,
                          const void* x, const float* inverse_rms, void* dx, float* dweight) {
  with_operand(norm.type, [&](auto operand) {
    using T = typename decltype(operand)::Type;
    start<T, T>(queue, norm, has_packs(norm) && has_packs(rotation), dy, x, inverse_rms, dx, dweight,
                RotateBack{row_rotation(rotation, -1.0f)});
  });
}

void norm_add_backward(Queue& queue, const NativeNorm& norm, const float* dsum, const void* x, const float* inverse_rms,
                       void* dx, float* dweight) {
  with_operand(norm.type, [&](auto operand) {
    using T = typename decltype(operand)::Type;
    start<float, T>(queue, norm, has_packs(norm), dsum, x, inverse_rms, dx, dweight, Nothing());
  });
}

void norm_backward(Queue& queue, const NativeNorm& norm, const void* dy, const float* x, const float* inverse_rms,
                   float* dx, float* dweight) {
  with_operand(norm.type, [&](auto operand) {
    using T = typename decltype(operand)::Type;
    start<T, float>(queue, norm, has_packs(norm), dy, x, inverse_rms, dx, dweight, Nothing());
  });
}

}  // namespace reprise::numerics::cuda
