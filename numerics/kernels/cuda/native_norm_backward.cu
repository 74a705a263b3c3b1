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

// What lies between dy and the norm: undo() turns the values of dy's pack at i into the gradient of the norm's result.
struct Nothing {
  __device__ __forceinline__ Nothing of_row(Index) const { return {}; }
  template <int kWidth, typename Dy>
  __device__ __forceinline__ void undo(int, const Dy*, float*) const {}
};

struct RotateBack {
  RowRotation rotation;
  __device__ __forceinline__ RotateBack of_row(Index row) const { return {rotation.of_row(row)}; }
  template <int kWidth, typename Dy>
  __device__ __forceinline__ void undo(int i, const Dy* dy, float* values) const {
    rotation.rotate<kWidth>(
        i, [=](int other, float* others) { load_values<kWidth>(dy + other, others); }, values);
  }
};

/// The threads' sums of columns over the rows of a block. Rows of any length have theirs in memory, each element used
/// by one thread alone.
template <typename F>
class ColumnSums {
 public:
  __device__ __forceinline__ explicit ColumnSums(float* sums) : sums_(sums) {}
  __device__ __forceinline__ void add(int part, int i, bool is_first, const float* terms_a, const float* terms_b) {
    if constexpr (F::kKept > 0) {
#pragma unroll
      for (int j = 0; j < F::kWidth; ++j) kept_[part][j] = __fmaf_rn(terms_a[j], terms_b[j], kept_[part][j]);
    } else {
      sums_[i] = __fmaf_rn(terms_a[0], terms_b[0], is_first ? 0.0f : sums_[i]);
    }
  }
  /// Writes the block's sums. Every thread of the block calls it.
  __device__ __forceinline__ void finish(int dim) {
    if constexpr (F::kGroups > 1) {
      float* const of_groups = dynamic_shared();  // [kGroups, D]
      write(of_groups + group_of_thread<F>() * dim, dim);
      __syncthreads();
      for (int i = static_cast<int>(threadIdx.x); i < dim; i += kNormThreads) {
        float sum = of_groups[i];
#pragma unroll
        for (int group = 1; group < F::kGroups; ++group) sum = __fadd_rn(sum, of_groups[group * dim + i]);
        sums_[i] = sum;
      }
    } else if constexpr (F::kKept > 0) {
      write(sums_, dim);
    }
  }

 private:
  __device__ __forceinline__ void write(float* to, int dim) {
    visit_packs<F>(dim, [&](int part, int i) { store_values<F::kWidth>(to + i, kept_[part]); });
  }

  float* sums_;
  float kept_[F::kParts][F::kWidth] = {};
};

/// Writes dx of a row and adds its share to the sums of columns.
template <typename F, typename Dy, typename X, typename Between>
__device__ __forceinline__ void row_backward(const Rows<Dy, X>& rows, Index row, const Between& between, bool is_first,
                                             ColumnSums<F>& sums) {
  constexpr int kWidth = F::kWidth;
  const int dim = rows.dim;
  const Dy* const dy = rows.dy + row * dim;
  const RowPacks<F, Dy> dy_packs(dy, dim);
  const RowPacks<F, X> x_packs(rows.x + row * dim, dim);
  const float inverse = rows.inverse_rms[row];
  const auto normal = [&](int part, int i, float* values) {
    x_packs.get(part, i, values);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) values[j] = __fmul_rn(values[j], inverse);
  };
  float kept[F::kParts][kWidth];  // dy * weight
  const auto scaled = [&](int part, int i, float* gradient) {
    dy_packs.get(part, i, gradient);
    between.template undo<kWidth>(i, dy, gradient);
    float weights[kWidth];
    load_values<kWidth>(rows.weight + i, weights);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) kept[part][j] = __fmul_rn(gradient[j], weights[j]);
  };
  float dot = 0.0f;
  visit_packs<F>(dim, [&](int part, int i) {
    float normals[kWidth], gradient[kWidth];
    normal(part, i, normals);
    scaled(part, i, gradient);
    sums.add(part, i, is_first, gradient, normals);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) dot = __fmaf_rn(kept[part][j], normals[j], dot);
  });
  const float mean = __fdiv_rn(sum_of_group<F>(dot), __int2float_rn(dim));
  visit_packs<F>(dim, [&](int part, int i) {
    float values[kWidth], gradient[kWidth];
    normal(part, i, values);
    if constexpr (F::kKept == 0) scaled(part, i, gradient);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) {
      values[j] = __fmul_rn(inverse, __fmaf_rn(-values[j], mean, kept[part][j]));
    }
    store_values<kWidth>(rows.dx + row * dim + i, values);
  });
}

template <typename F, typename Dy, typename X, typename Between>
__global__ void __launch_bounds__(kNormThreads)
    native_norm_backward_kernel(const Rows<Dy, X> rows, const Between between) {
  const Index begin = Index{blockIdx.x} * kRowsOfBlock;
  const Index end = begin + kRowsOfBlock < rows.num_rows ? begin + kRowsOfBlock : rows.num_rows;
  ColumnSums<F> sums(rows.sums + Index{blockIdx.x} * rows.dim);
#pragma unroll 1
  for (Index row = begin + group_of_thread<F>(); row < end; row += F::kGroups) {
    row_backward<F>(rows, row, between.of_row(row), row == begin, sums);
  }
  sums.finish(rows.dim);
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
