#pragma once
// The one matrix product behind every gemm entry: strided operands, parts of a concatenated k.

#include <cstdint>
#include <span>

namespace reprise::numerics {

/// a[i, p] = a[i * a_row + p * a_k], b[p, j] = b[p * b_k + j * b_column]; one stride of each is 1.
struct ProductPart {
  const float* a;
  std::int64_t a_row, a_k;
  const float* b;
  std::int64_t b_k, b_column;
  std::int64_t k;
};

/// One of the results of a product with a common a: the parts of all outputs have the same a and the same k.
struct ProductOutput {
  std::span<const ProductPart> parts;
  std::int64_t n = 0;
  float* c = nullptr;
  std::int64_t ldc = 0;
};

/// c[m, n] = the products of all parts by the GEMM rule [C-3]. `continue_sums`: c holds the sum of earlier segments, to
/// which these are added; the earlier ones end at a segment boundary.
void multiply_parts(std::int64_t m, std::int64_t n, std::span<const ProductPart> parts, float* c, std::int64_t ldc,
                    bool continue_sums);

}  // namespace reprise::numerics
