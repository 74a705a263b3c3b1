// Copies blocks of GEMM operands into panels that a tile reads in order. Included once per target.

#if defined(REPRISE_GEMM_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_GEMM_PACK_INL_H_
#undef REPRISE_GEMM_PACK_INL_H_
#else
#define REPRISE_GEMM_PACK_INL_H_
#endif

#include "tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

/// to[p * width + i] = from[i * stride + p] for i < count, p < num_k: rows become columns.
HWY_INLINE void transpose_into(const float* HWY_RESTRICT from, Index stride, Index count, Index num_k,
                               float* HWY_RESTRICT to, Index width) {
  Index i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::Full128<float> four;
  for (; i + 4 <= count; i += 4) {
    const float* rows = from + i * stride;
    Index p = 0;
    for (; p + 4 <= num_k; p += 4) {
      const auto x0 = hn::LoadU(four, rows + p);
      const auto x1 = hn::LoadU(four, rows + stride + p);
      const auto x2 = hn::LoadU(four, rows + 2 * stride + p);
      const auto x3 = hn::LoadU(four, rows + 3 * stride + p);
      const auto low02 = hn::InterleaveLower(four, x0, x2), low13 = hn::InterleaveLower(four, x1, x3);
      const auto high02 = hn::InterleaveUpper(four, x0, x2), high13 = hn::InterleaveUpper(four, x1, x3);
      float* out = to + p * width + i;
      hn::StoreU(hn::InterleaveLower(four, low02, low13), four, out);
      hn::StoreU(hn::InterleaveUpper(four, low02, low13), four, out + width);
      hn::StoreU(hn::InterleaveLower(four, high02, high13), four, out + 2 * width);
      hn::StoreU(hn::InterleaveUpper(four, high02, high13), four, out + 3 * width);
    }
    for (; p < num_k; ++p) {
      for (Index row = 0; row < 4; ++row) to[p * width + i + row] = rows[row * stride + p];
    }
  }
#endif
  for (; i < count; ++i) {
    for (Index p = 0; p < num_k; ++p) to[p * width + i] = from[i * stride + p];
  }
}

/// to[p * width + i] = from[p * stride + i] for i < count, p < num_k.
HWY_INLINE void copy_into(const float* HWY_RESTRICT from, Index stride, Index count, Index num_k,
                          float* HWY_RESTRICT to, Index width) {
  Index p = 0;
  if (count == width && stride >= count + kWidth) {
    // Whole vectors: what one row stores too much, the next overwrites, and what it reads too much lies before the next
    // row's own elements. The last row ends the array, so it is copied with care below.
    for (; p + 1 < num_k; ++p) {
      for (Index i = 0; i < count; i += kWidth) store(load(from + p * stride + i), to + p * width + i);
    }
  }
  for (; p < num_k; ++p) {
    for (Index i = 0; i < count; i += kWidth) {
      store_some(load_some(from + p * stride + i, count - i), to + p * width + i, count - i);
    }
  }
}

/// One panel: `count` rows of a (or columns of b) by num_k, in `width` floats per k; the rest is +0.
HWY_INLINE void pack_panel(const float* from, Index k_stride, Index other_stride, Index count, Index num_k, float* to,
                           Index width) {
  if (count < width) {
    for (Index p = 0; p < num_k; ++p) {
      for (Index i = count; i < width; ++i) to[p * width + i] = 0.0f;
    }
  }
  if (k_stride == 1) {
    transpose_into(from, other_stride, count, num_k, to, width);
  } else {
    copy_into(from, k_stride, count, num_k, to, width);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_GEMM_PACK_INL_H_
