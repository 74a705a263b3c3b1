#pragma once
// Matrix products on a GPU [C-3]: strided operands, parts of a concatenated k.

#include <cstdint>
#include <span>
#include <vector>

#include "gemm_product.h"
#include "queue.h"

namespace reprise::numerics::cuda {

inline constexpr std::size_t kMaxProductParts = 8;
/// m, n and k of a product are at most this: places inside have 32 bits.
inline constexpr std::int64_t kMaxProductLength = std::int64_t{1} << 30;

enum class TileSize { kLarge, kSmall };

/// How a product is cut into blocks. It cannot change a bit.
struct ProductPlan {
  TileSize tile = TileSize::kLarge;
  int num_splits = 1;  // blocks along k, each of whole segments
};

/// Plans that a product can have, most of them slow.
std::vector<ProductPlan> possible_plans(std::int64_t m, std::int64_t n, std::int64_t k);

/// The one of them that should take the least time on a GPU of so many multiprocessors.
ProductPlan plan_product(std::int64_t m, std::int64_t n, std::int64_t k, int num_multiprocessors);

/// c[m, n] = the products of all parts, which share the strides that are 1; see multiply_parts of gemm_product.h.
void multiply_parts(Queue& queue, std::int64_t m, std::int64_t n, std::span<const ProductPart> parts, float* c,
                    std::int64_t ldc, bool continue_sums, const ProductPlan& plan);

/// The same with the plan of its size.
void multiply_parts(Queue& queue, int num_multiprocessors, std::int64_t m, std::int64_t n,
                    std::span<const ProductPart> parts, float* c, std::int64_t ldc, bool continue_sums);

}  // namespace reprise::numerics::cuda
