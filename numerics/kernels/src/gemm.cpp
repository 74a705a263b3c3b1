// Matrix products [C-3]. k is cut into segments; inside one, blocks of b and a are packed into panels, or read where
// they lie when a copy would not pay, and every tile of c gets its own fresh accumulators. Blocking decides which
// element is computed when, never how.

#include <hwy/cache_control.h>

#include "dispatch.h"
#include "gemm_product.h"
#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemm.cpp"
#include <hwy/foreach_target.h>

#include "gemm_pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

// Columns of b and rows of a in use at a time: 256 x 512 and 256 x 252 floats stay in a second-level cache. Of a, more
// rows are kept packed, in the third level, so that they are packed once for all columns.
constexpr Index kBlockColumns = 512;
constexpr Index kBlockRows = 252 / kTileRows * kTileRows;
constexpr Index kPackedRows = 8 * kBlockRows;

// Rows of a are packed for more columns than this; below, they are read as they lie: measured, as the next two.
constexpr Index kColumnsWorthPacking = 256;
// Columns of b are packed for more rows than this when a comes transposed.
constexpr Index kRowsWorthPacking = 1024;
// Rows whose distance is a multiple of this share too few sets of the caches to be read as they lie.
constexpr Index kBadStride = 512;

/// The part of the concatenated k that one segment covers, within one operand pair.
struct Slice {
  const ProductPart* part;
  Index first;  // k inside the part
  Index count;
  Index offset;  // k inside the segment
};

/// Calls visit(slice) for the slices of the segment [begin, end), in order.
template <typename Visit>
HWY_INLINE void for_each_slice(std::span<const ProductPart> parts, Index begin, Index end, const Visit& visit) {
  Index start = 0;
  for (const ProductPart& part : parts) {
    const Index first = begin > start ? begin - start : 0;
    const Index last = end < start + part.k ? end - start : part.k;
    if (first < last) visit(Slice{&part, first, last - first, start + first - begin});
    start += part.k;
  }
}

struct Segment {
  std::span<const ProductPart> parts;
  Index begin;
  Index end;
  bool add;  // to what c holds
};

/// Rows of a for tiles: panels of kTileRows rows, or the operand itself.
struct RowsOfA {
  const float* data;
  Index step;        // from a row to the next; in panels, that of the first rows of panels
  Index row_stride;  // inside a tile; this or k_stride is 1
  Index k_stride;    // 0: the rows of the panel
};

/// Columns of b for tiles: panels of kTileColumns columns, or the operand itself.
struct ColumnsOfB {
  const float* data;
  Index step;  // as above
  Index k_stride;
};

/// The one part that covers the segment; none when two parts meet in it.
const ProductPart* only_part(const Segment& segment, Index* first) {
  const ProductPart* part = nullptr;
  for_each_slice(segment.parts, segment.begin, segment.end, [&](const Slice& slice) {
    if (slice.count != segment.end - segment.begin) return;
    part = slice.part;
    *first = slice.first;
  });
  return part;
}

/// a where it lies, if that is worth it for `num_columns` columns; else data is null.
RowsOfA rows_in_place(const Segment& segment, Index num_columns) {
  Index first = 0;
  const ProductPart* part = only_part(segment, &first);
  if (part == nullptr) return {};
  if (part->a_k == 1 && num_columns > kColumnsWorthPacking) return {};
  if (part->a_k * part->a_row % kBadStride == 0) return {};  // one of them is 1
  return {part->a + first * part->a_k, part->a_row, part->a_row, part->a_k};
}

/// b where it lies, if that is worth it for `num_rows` rows; else data is null.
ColumnsOfB columns_in_place(const Segment& segment, Index num_rows, Index first_column, Index num_columns) {
  Index first = 0;
  const ProductPart* part = only_part(segment, &first);
  if (part == nullptr || part->b_column != 1 || part->a_k == 1 || part->b_k % kBadStride == 0) return {};
  if (num_rows > kRowsWorthPacking || num_columns % kTileColumns != 0) return {};  // a tile reads whole vectors
  return {part->b + first * part->b_k + first_column, 1, part->b_k};
}

void pack_b(const Segment& segment, Index first_column, Index num_columns, float* to) {
  const Index length = segment.end - segment.begin;
  for (Index j = 0; j < num_columns; j += kTileColumns) {
    const Index count = num_columns - j < kTileColumns ? num_columns - j : kTileColumns;
    float* panel = to + j * length;
    for_each_slice(segment.parts, segment.begin, segment.end, [=](const Slice& slice) HWY_ATTR {
      const ProductPart& part = *slice.part;
      pack_panel(part.b + slice.first * part.b_k + (first_column + j) * part.b_column, part.b_k, part.b_column, count,
                 slice.count, panel + slice.offset * kTileColumns, kTileColumns);
    });
  }
}

void pack_a(const Segment& segment, Index first_row, Index num_rows, float* to) {
  const Index length = segment.end - segment.begin;
  for (Index i = 0; i < num_rows; i += kTileRows) {
    const Index count = num_rows - i < kTileRows ? num_rows - i : kTileRows;
    float* panel = to + i * length;
    for_each_slice(segment.parts, segment.begin, segment.end, [=](const Slice& slice) HWY_ATTR {
      const ProductPart& part = *slice.part;
      pack_panel(part.a + slice.first * part.a_k + (first_row + i) * part.a_row, part.a_k, part.a_row, count,
                 slice.count, panel + slice.offset * count, count);
    });
  }
}

/// One tile of c: the first kRows rows of a, at most kVectors vectors of columns of b.
template <int kRows, int kVectors>
void run_tile(Index length, const RowsOfA& a, const ColumnsOfB& b, float* c, Index ldc, Index num_columns, bool add) {
  Tile<kRows, kVectors> tile;
  tile.clear();
  for (int r = 0; r < kRows; ++r) {  // while the sums are computed, c comes near
    for (int v = 0; v < kVectors; ++v) hwy::Prefetch(c + r * ldc + v * kWidth);
  }
  if (a.row_stride == 1) {
    tile.multiply(length, a.data, 1, a.k_stride == 0 ? kRows : a.k_stride, b.data, b.k_stride);
  } else {
    tile.multiply(length, a.data, a.row_stride, 1, b.data, b.k_stride);
  }
  if (num_columns >= kVectors * kWidth) {
    tile.write(c, ldc, add);
    return;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      const Index count = num_columns - v * kWidth;
      if (count <= 0) break;
      float* to = c + r * ldc + v * kWidth;
      const Vector sum = tile.sums[r * kVectors + v];
      store_some(add ? hn::Add(load_some(to, count), sum) : sum, to, count);
    }
  }
}

/// Runs the variant for num_rows <= kRows.
template <int kRows>
HWY_INLINE void run_rows(Index num_rows, Index length, const RowsOfA& a, const ColumnsOfB& b, float* c, Index ldc,
                         Index num_columns, bool add) {
  if (num_rows == kRows) {
    if (num_columns > kWidth) {
      run_tile<kRows, kTileVectors>(length, a, b, c, ldc, num_columns, add);
    } else {
      run_tile<kRows, 1>(length, a, b, c, ldc, num_columns, add);
    }
  } else if constexpr (kRows > 1) {
    run_rows<kRows - 1>(num_rows, length, a, b, c, ldc, num_columns, add);
  }
}

void run_block(const Segment& segment, const RowsOfA& a, Index num_rows, const ColumnsOfB& b, Index num_columns,
               float* c, Index ldc) {
  const Index length = segment.end - segment.begin;
  for (Index j = 0; j < num_columns; j += kTileColumns) {
    const ColumnsOfB columns{b.data + j * b.step, b.step, b.k_stride};
    for (Index i = 0; i < num_rows; i += kTileRows) {
      const Index rows = num_rows - i < kTileRows ? num_rows - i : kTileRows;
      const RowsOfA tile{a.data + i * a.step, a.step, a.row_stride, a.k_stride};
      run_rows<kTileRows>(rows, length, tile, columns, c + i * ldc + j, ldc, num_columns - j, segment.add);
    }
  }
}

struct PackedBlocks {
  float* a;
  float* b;
  bool pack_a;  // a is not there yet, unless it is read in place
};

/// The rows [first, first + num_rows) of one output, one segment. Rows of a are packed when the first block of columns
/// comes to them.
void run_rows_of_segment(const Segment& segment, const ProductOutput& output, const RowsOfA& in_place, Index first,
                         Index num_rows, const PackedBlocks& packed) {
  const Index length = segment.end - segment.begin;
  for (Index j = 0; j < output.n; j += kBlockColumns) {
    const Index num_columns = output.n - j < kBlockColumns ? output.n - j : kBlockColumns;
    ColumnsOfB b = columns_in_place(segment, num_rows, j, num_columns);
    if (b.data == nullptr) {
      pack_b(segment, j, num_columns, packed.b);
      b = {packed.b, length, kTileColumns};
    }
    for (Index i = 0; i < num_rows; i += kBlockRows) {
      const Index rows = num_rows - i < kBlockRows ? num_rows - i : kBlockRows;
      RowsOfA a{in_place.data + (first + i) * in_place.step, in_place.step, in_place.row_stride, in_place.k_stride};
      if (in_place.data == nullptr) {
        if (packed.pack_a && j == 0) pack_a(segment, first + i, rows, packed.a + i * length);
        a = {packed.a + i * length, length, 1, 0};
      }
      run_block(segment, a, rows, b, num_columns, output.c + (first + i) * output.ldc + j, output.ldc);
    }
  }
}

void clear_output(Index m, const ProductOutput& output) {
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < output.n; ++j) output.c[i * output.ldc + j] = 0.0f;
  }
}

void multiply(Index m, std::span<const ProductOutput> outputs, bool continue_sums) {
  Index total = 0;
  for (const ProductPart& part : outputs[0].parts) total += part.k;
  if (total == 0 && !continue_sums) {
    for (const ProductOutput& output : outputs) clear_output(m, output);
  }
  Index num_columns = 0;
  for (const ProductOutput& output : outputs) num_columns += output.n;
  float* packed_b = scratch(Scratch::kGemmB, kBlockColumns * kGemmSegment);
  float* packed_a = scratch(Scratch::kGemmA, (m < kPackedRows ? m : kPackedRows) * kGemmSegment);
  for (Index begin = 0; begin < total; begin += kGemmSegment) {
    const Index end = begin + kGemmSegment < total ? begin + kGemmSegment : total;
    for (Index i = 0; i < m; i += kPackedRows) {
      const Index num_rows = m - i < kPackedRows ? m - i : kPackedRows;
      for (std::size_t o = 0; o < outputs.size(); ++o) {
        const Segment segment{outputs[o].parts, begin, end, continue_sums || begin > 0};
        run_rows_of_segment(segment, outputs[o], rows_in_place(segment, num_columns), i, num_rows,
                            {packed_a, packed_b, o == 0});
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

void multiply_parts(std::int64_t m, std::int64_t n, std::span<const ProductPart> parts, float* c, std::int64_t ldc,
                    bool continue_sums) {
  const ProductOutput output{parts, n, c, ldc};
  REPRISE_DISPATCH(multiply)(m, {&output, 1}, continue_sums);
}

void gemm_nt(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, const float* b,
             std::int64_t ldb, float* c, std::int64_t ldc) {
  const ProductPart part{a, lda, 1, b, 1, ldb, k};
  multiply_parts(m, n, {&part, 1}, c, ldc, false);
}

void gemm_nt_joint(std::int64_t m, std::int64_t k, const float* a, std::int64_t lda,
                   std::span<const GemmOutput> outputs) {
  constexpr std::size_t kMaxOutputs = 8;
  REPRISE_CHECK(!outputs.empty() && outputs.size() <= kMaxOutputs);
  ProductPart parts[kMaxOutputs];
  ProductOutput products[kMaxOutputs];
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    parts[i] = {a, lda, 1, outputs[i].b, 1, outputs[i].ldb, k};
    products[i] = {{&parts[i], 1}, outputs[i].n, outputs[i].c, outputs[i].ldc};
  }
  REPRISE_DISPATCH(multiply)(m, {products, outputs.size()}, false);
}

void gemm_nn(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, const float* b,
             std::int64_t ldb, float* c, std::int64_t ldc) {
  const ProductPart part{a, lda, 1, b, ldb, 1, k};
  multiply_parts(m, n, {&part, 1}, c, ldc, false);
}

void gemm_tn(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, const float* b,
             std::int64_t ldb, float* c, std::int64_t ldc) {
  const ProductPart part{a, 1, lda, b, ldb, 1, k};
  multiply_parts(m, n, {&part, 1}, c, ldc, false);
}

void gemm_nn_concatenated(std::int64_t m, std::int64_t n, std::span<const GemmPart> parts, float* c, std::int64_t ldc) {
  constexpr std::size_t kMaxParts = 8;
  REPRISE_CHECK(parts.size() <= kMaxParts);
  ProductPart products[kMaxParts];
  for (std::size_t i = 0; i < parts.size(); ++i) {
    products[i] = {parts[i].a, parts[i].lda, 1, parts[i].b, parts[i].ldb, 1, parts[i].k};
  }
  multiply_parts(m, n, {products, parts.size()}, c, ldc, false);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
