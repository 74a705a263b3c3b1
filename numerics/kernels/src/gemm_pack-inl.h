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

#if HWY_TARGET != HWY_SCALAR
/// Four rows of four, transposed.
HWY_INLINE void transpose_4x4(const float* HWY_RESTRICT from, Index stride, float* HWY_RESTRICT to, Index width) {
  const hn::FixedTag<float, 4> four;
  const auto x0 = hn::LoadU(four, from), x1 = hn::LoadU(four, from + stride);
  const auto x2 = hn::LoadU(four, from + 2 * stride), x3 = hn::LoadU(four, from + 3 * stride);
  const auto low02 = hn::InterleaveLower(four, x0, x2), low13 = hn::InterleaveLower(four, x1, x3);
  const auto high02 = hn::InterleaveUpper(four, x0, x2), high13 = hn::InterleaveUpper(four, x1, x3);
  hn::StoreU(hn::InterleaveLower(four, low02, low13), four, to);
  hn::StoreU(hn::InterleaveUpper(four, low02, low13), four, to + width);
  hn::StoreU(hn::InterleaveLower(four, high02, high13), four, to + 2 * width);
  hn::StoreU(hn::InterleaveUpper(four, high02, high13), four, to + 3 * width);
}

#if HWY_TARGET == HWY_NEON
/// Eight rows of eight, transposed: to[c * width + r] = from[r * stride + c].
HWY_INLINE void transpose_8x8(const float* HWY_RESTRICT from, Index stride, float* HWY_RESTRICT to, Index width) {
  for (Index r = 0; r < 8; r += 4) {
    for (Index c = 0; c < 8; c += 4) transpose_4x4(from + r * stride + c, stride, to + c * width + r, width);
  }
}
#else
/// Eight rows of eight, transposed: to[c * width + r] = from[r * stride + c].
HWY_INLINE void transpose_8x8(const float* HWY_RESTRICT from, Index stride, float* HWY_RESTRICT to, Index width) {
  const hn::FixedTag<float, 8> eight;
  hn::Vec<decltype(eight)> rows[8], pairs[8], fours[8];
#pragma GCC unroll 8
  for (Index r = 0; r < 8; ++r) rows[r] = hn::LoadU(eight, from + r * stride);
#pragma GCC unroll 2
  for (Index r = 0; r < 8; r += 4) {
    pairs[r] = hn::InterleaveLower(eight, rows[r], rows[r + 2]);
    pairs[r + 1] = hn::InterleaveLower(eight, rows[r + 1], rows[r + 3]);
    pairs[r + 2] = hn::InterleaveUpper(eight, rows[r], rows[r + 2]);
    pairs[r + 3] = hn::InterleaveUpper(eight, rows[r + 1], rows[r + 3]);
    fours[r] = hn::InterleaveLower(eight, pairs[r], pairs[r + 1]);
    fours[r + 1] = hn::InterleaveUpper(eight, pairs[r], pairs[r + 1]);
    fours[r + 2] = hn::InterleaveLower(eight, pairs[r + 2], pairs[r + 3]);
    fours[r + 3] = hn::InterleaveUpper(eight, pairs[r + 2], pairs[r + 3]);
  }
#pragma GCC unroll 4
  for (Index c = 0; c < 4; ++c) {
    hn::StoreU(hn::ConcatLowerLower(eight, fours[c + 4], fours[c]), eight, to + c * width);
    hn::StoreU(hn::ConcatUpperUpper(eight, fours[c + 4], fours[c]), eight, to + (c + 4) * width);
  }
}
#endif

/// Two rows of four, transposed.
HWY_INLINE void transpose_2x4(const float* HWY_RESTRICT from, Index stride, float* HWY_RESTRICT to, Index width) {
  const hn::FixedTag<float, 4> four;
  const hn::FixedTag<float, 2> two;
  const auto x0 = hn::LoadU(four, from), x1 = hn::LoadU(four, from + stride);
  const auto low = hn::InterleaveLower(four, x0, x1), high = hn::InterleaveUpper(four, x0, x1);
  hn::StoreU(hn::LowerHalf(two, low), two, to);
  hn::StoreU(hn::UpperHalf(two, low), two, to + width);
  hn::StoreU(hn::LowerHalf(two, high), two, to + 2 * width);
  hn::StoreU(hn::UpperHalf(two, high), two, to + 3 * width);
}
#endif

/// to[p * width + i] = from[i * stride + p] for the rows [i, i + kRows), p < num_k.
template <Index kRows>
HWY_INLINE void transpose_rows(const float* HWY_RESTRICT from, Index stride, Index num_k, float* HWY_RESTRICT to,
                               Index width) {
  Index p = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (kRows == 8) {
    for (; p + 8 <= num_k; p += 8) transpose_8x8(from + p, stride, to + p * width, width);
  } else if constexpr (kRows == 4) {
    for (; p + 4 <= num_k; p += 4) transpose_4x4(from + p, stride, to + p * width, width);
  } else if constexpr (kRows == 2) {
    for (; p + 4 <= num_k; p += 4) transpose_2x4(from + p, stride, to + p * width, width);
  }
#endif
  for (; p < num_k; ++p) {
    for (Index row = 0; row < kRows; ++row) to[p * width + row] = from[row * stride + p];
  }
}

/// to[p * width + i] = from[i * stride + p] for i < count, p < num_k: rows become columns.
HWY_INLINE void transpose_into(const float* HWY_RESTRICT from, Index stride, Index count, Index num_k,
                               float* HWY_RESTRICT to, Index width) {
  Index i = 0;
  for (; i + 8 <= count; i += 8) transpose_rows<8>(from + i * stride, stride, num_k, to + i, width);
  for (; i + 4 <= count; i += 4) transpose_rows<4>(from + i * stride, stride, num_k, to + i, width);
  for (; i + 2 <= count; i += 2) transpose_rows<2>(from + i * stride, stride, num_k, to + i, width);
  for (; i < count; ++i) transpose_rows<1>(from + i * stride, stride, num_k, to + i, width);
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
