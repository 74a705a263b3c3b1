// Register tiles: rows of broadcast a against vectors of b, one accumulator per output element [C-3]. Included once
// per target.

#if defined(REPRISE_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_TILE_INL_H_
#undef REPRISE_TILE_INL_H_
#else
#define REPRISE_TILE_INL_H_
#endif

#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

// Vectors in a tile's row, and rows: as many accumulators as leave registers for b and the broadcast.
inline constexpr int kTileVectors = 2;
#if HWY_TARGET == HWY_AVX3
inline constexpr int kTileRows = 14;
inline constexpr int kAttentionRows = 8;
#elif HWY_TARGET == HWY_AVX2
inline constexpr int kTileRows = 6;
inline constexpr int kAttentionRows = 4;
#else
inline constexpr int kTileRows = 4;
inline constexpr int kAttentionRows = 4;
#endif
inline constexpr Index kTileColumns = kTileVectors * kWidth;

template <int kRows, int kVectors = kTileVectors>
struct Tile {
  Vector sums[kRows * kVectors];

  HWY_INLINE void clear() {
#pragma GCC unroll 32
    for (int i = 0; i < kRows * kVectors; ++i) sums[i] = zero();
  }

  /// sums[r][c] = fma(a[r, k], b[k, c], sums[r][c]) for k ascending in [0, count).
  HWY_INLINE void multiply(Index count, const float* HWY_RESTRICT a, Index a_row_stride, Index a_k_stride,
                           const float* HWY_RESTRICT b, Index b_stride) {
    for (Index k = 0; k < count; ++k) {
      Vector columns[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) columns[v] = load(b + v * kWidth);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Vector row = broadcast(a[r * a_row_stride]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[r * kVectors + v] = fma(row, columns[v], sums[r * kVectors + v]);
      }
      a += a_k_stride;
      b += b_stride;
    }
  }

  /// c = sums, or c = c + sums.
  HWY_INLINE void write(float* c, Index c_stride, bool add) const {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        float* to = c + r * c_stride + v * kWidth;
        const Vector sum = sums[r * kVectors + v];
        store(add ? hn::Add(load(to), sum) : sum, to);
      }
    }
  }

  HWY_INLINE void read(const float* c, Index c_stride) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r * kVectors + v] = load(c + r * c_stride + v * kWidth);
    }
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_TILE_INL_H_
