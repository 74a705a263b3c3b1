// Matrix products [C-3]. k is cut into segments; inside one, blocks of b and a are packed into panels and every tile of
// c gets its own fresh accumulators. Blocking decides which element is computed when, never how.

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

/// One tile of c from a panel of a (kRows floats per k) and a panel of b; at most kVectors vectors of columns.
template <int kRows, int kVectors>
void run_tile(Index length, const float* a, const float* b, float* c, Index ldc, Index num_columns, bool add) {
  Tile<kRows, kVectors> tile;
  tile.clear();
  tile.multiply(length, a, 1, kRows, b, kTileColumns);
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
HWY_INLINE void run_rows(Index num_rows, Index length, const float* a, const float* b, float* c, Index ldc,
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

void run_block(const Segment& segment, const float* a, Index num_rows, const float* b, Index num_columns, float* c,
               Index ldc) {
  const Index length = segment.end - segment.begin;
  for (Index j = 0; j < num_columns; j += kTileColumns) {
    for (Index i = 0; i < num_rows; i += kTileRows) {
      const Index rows = num_rows - i < kTileRows ? num_rows - i : kTileRows;
      run_rows<kTileRows>(rows, length, a + i * length, b + j * length, c + i * ldc + j, ldc, num_columns - j,
                          segment.add);
    }
  }
}

/// The rows [first, first + num_rows) of one output, one segment. With `pack`, rows of a are packed when the first
/// block of columns comes to them; else they are there already.
void run_rows_of_segment(const Segment& segment, const ProductOutput& output, Index first, Index num_rows, bool pack,
                         float* packed_a, float* packed_b) {
  const Index length = segment.end - segment.begin;
  for (Index j = 0; j < output.n; j += kBlockColumns) {
    const Index num_columns = output.n - j < kBlockColumns ? output.n - j : kBlockColumns;
    pack_b(segment, j, num_columns, packed_b);
    for (Index i = 0; i < num_rows; i += kBlockRows) {
      const Index rows = num_rows - i < kBlockRows ? num_rows - i : kBlockRows;
      if (pack && j == 0) pack_a(segment, first + i, rows, packed_a + i * length);
      run_block(segment, packed_a + i * length, rows, packed_b, num_columns, output.c + (first + i) * output.ldc + j,
                output.ldc);
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
  float* packed_b = scratch(Scratch::kGemmB, kBlockColumns * kGemmSegment);
  float* packed_a = scratch(Scratch::kGemmA, (m < kPackedRows ? m : kPackedRows) * kGemmSegment);
  for (Index begin = 0; begin < total; begin += kGemmSegment) {
    const Index end = begin + kGemmSegment < total ? begin + kGemmSegment : total;
    for (Index i = 0; i < m; i += kPackedRows) {
      const Index num_rows = m - i < kPackedRows ? m - i : kPackedRows;
      bool first_output = true;
      for (const ProductOutput& output : outputs) {
        const Segment segment{output.parts, begin, end, continue_sums || begin > 0};
        run_rows_of_segment(segment, output, i, num_rows, first_output, packed_a, packed_b);
        first_output = false;
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
