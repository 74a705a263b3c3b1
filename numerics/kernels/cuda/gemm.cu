// Matrix products [C-3]. A block has a tile of c and runs over k in steps of 32 or 16: while it multiplies one step,
// the copies of the next are under way. At the end of each segment a thread adds its 64 sums to what it wrote for the
// segments before, in c itself. In registers the totals would take 64 more and halve the warps of a multiprocessor; in
// shared memory, 64 KiB per block, two blocks would not fit beside the steps on every GPU. In c they cost 8 bytes of
// second-level cache per 256 multiplications, half of what the operands cost, and 1 instruction in 150.

#include <algorithm>
#include <cmath>
#include <limits>

#include "gemm.h"
#include "gemm_tile.h"
#include "launch.h"
#include "reprise/numerics/kernels.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kSegment = static_cast<int>(kGemmSegment);
constexpr unsigned kBandTiles = 16;

using LargeTile = Tile<4, 2, 32>;
using SmallTile = Tile<2, 1, 16>;

struct Operands {
  const float* a;
  const float* b;
  Index a_stride, b_stride;  // of the index that is not contiguous
  int k;
};

struct Product {
  int m, n;
  Operands parts[kMaxProductParts];
  int total_k;
  float* c;
  Index ldc;
  bool c_aligned;
  bool continue_sums;
  int segments_per_block;
  Index segment_stride;  // 0: segments are added up in c; else segment s goes to c + s * segment_stride
};

/// A piece of k that lies inside one part and one segment.
struct Step {
  int part;
  int first;  // k inside the part
  int count;
  bool ends_segment;
};

/// Walks over the steps of a block.
template <int kStepLength>
class Steps {
 public:
  __device__ __forceinline__ Steps(const Product& product, int begin, int end)
      : product_(product), at_(begin), end_(end), first_(begin) {
    while (first_ > product.parts[part_].k) first_ -= product.parts[part_++].k;
  }
  __device__ __forceinline__ bool any_left() const { return at_ < end_; }
  __device__ __forceinline__ Step next() {
    while (first_ == product_.parts[part_].k) first_ = 0, ++part_;
    const int in_part = product_.parts[part_].k - first_, in_segment = kSegment - at_ % kSegment;
    int count = in_part < in_segment ? in_part : in_segment;
    if (count > kStepLength) count = kStepLength;
    const Step step{part_, first_, count, count == in_segment || at_ + count == end_};
    at_ += count;
    first_ += count;
    return step;
  }

 private:
  const Product& product_;
  int at_, end_;  // in the concatenated k
  int part_ = 0;
  int first_;
};

/// The place of a block's tile. Blocks that run at the same time have tiles of few rows and few columns, which they
/// read from the second-level cache: bands of 16 tiles, one column of a band after the other.
struct TilePlace {
  int row, column;  // the first of the tile
};
__device__ __forceinline__ TilePlace tile_place(int m, int tile_rows, int n, int tile_columns) {
  const unsigned down = static_cast<unsigned>((m + tile_rows - 1) / tile_rows);
  const unsigned across = static_cast<unsigned>((n + tile_columns - 1) / tile_columns);
  const unsigned band = blockIdx.x / (kBandTiles * across), in_band = blockIdx.x % (kBandTiles * across);
  const unsigned height = down - band * kBandTiles < kBandTiles ? down - band * kBandTiles : kBandTiles;
  return {static_cast<int>(band * kBandTiles + in_band % height) * tile_rows,
          static_cast<int>(in_band / height) * tile_columns};
}

template <Layout kLayout>
__device__ __forceinline__ StepOperand step_operand(const float* data, Index stride, int place, int extent,
                                                    const Step& step) {
  const Index first = kLayout == Layout::kAlongK ? place * stride + step.first : step.first * stride + place;
  return {data + first, stride, extent - place, step.count};
}

template <typename TileShape, Layout kLayoutA, Layout kLayoutB>
__global__ void __launch_bounds__(TileShape::kThreads, TileShape::kBlocksPerMultiprocessor)
    product_kernel(const Product product) {
  constexpr int kStrideA = TileShape::kRows + kBankGap, kStrideB = TileShape::kColumns + kBankGap;
  constexpr int kStepLength = TileShape::kStepLength;
  auto* const tiles_a = reinterpret_cast<float(*)[kStepLength][kStrideA]>(dynamic_shared());
  auto* const tiles_b = reinterpret_cast<float(*)[kStepLength][kStrideB]>(tiles_a + 2);
  const TilePlace tile = tile_place(product.m, TileShape::kRows, product.n, TileShape::kColumns);
  const ThreadPlace at = thread_place<TileShape>();
  const int row = tile.row + at.row, column = tile.column + at.column;
  const bool idle = row - at.row % kWarpRows >= product.m || column - at.column % kWarpColumns >= product.n;

  int segment = static_cast<int>(blockIdx.y) * product.segments_per_block;
  const int begin = segment * kSegment, last = begin + product.segments_per_block * kSegment;
  Steps<kStepLength> steps(product, begin, last < product.total_k ? last : product.total_k);
  Step next{};
  const auto copy_next = [&](int buffer) {
    next = steps.next();
    const Operands& part = product.parts[next.part];
    copy_step<kLayoutA, kStepLength, TileShape::kRows, TileShape::kThreads>(
        tiles_a[buffer], step_operand<kLayoutA>(part.a, part.a_stride, tile.row, product.m, next));
    copy_step<kLayoutB, kStepLength, TileShape::kColumns, TileShape::kThreads>(
        tiles_b[buffer], step_operand<kLayoutB>(part.b, part.b_stride, tile.column, product.n, next));
    commit_copies();
  };

  ThreadSums sums;
  sums.clear();
  copy_next(0);
  for (int buffer = 0;; buffer ^= 1) {
    const int count = next.count;
    const bool ends_segment = next.ends_segment;
    wait_for_copies<0>();
    __syncthreads();  // the step is there for all, and nobody reads the other buffer any more
    const bool more = steps.any_left();
    if (more) copy_next(buffer ^ 1);
    const float* const a = &tiles_a[buffer][0][at.row];
    const float* const b = &tiles_b[buffer][0][at.column];
    if (idle) {  // the whole warp, behind the edge of c
    } else if (count == kStepLength) {
      sums.template add_step<kStepLength, kStrideA, kStrideB>(a, b);
    } else {
      sums.template add_short_step<kStrideA, kStrideB>(a, b, count);
    }
    if (!ends_segment) continue;
    const bool add = product.segment_stride == 0 && (segment > 0 || product.continue_sums);
    const int c_row = unknown(row), c_column = unknown(column);
    if (c_row < product.m && c_column < product.n) {
      sums.write(product.c + segment * product.segment_stride + c_row * product.ldc + c_column, product.ldc,
                 product.m - c_row, product.n - c_column, product.c_aligned, add);
    }
    if (!more) return;
    sums.clear();
    ++segment;
  }
}

constexpr int kSumThreads = 256;

/// Adds the sums of segments left to right.
__global__ void add_segments_kernel(Index m, Index n, int num_segments, const float* sums, Index row_stride,
                                    Index segment_stride, bool continue_sums, float* c, Index ldc) {
  const Index element = Index{blockIdx.x} * kSumThreads + threadIdx.x;
  if (element >= m * n) return;
  const Index row = element / n, column = element % n;
  const float* const from = sums + row * row_stride + column;
  float* const to = c + row * ldc + column;
  float total = continue_sums ? __fadd_rn(*to, from[0]) : from[0];
#pragma unroll 8
  for (int s = 1; s < num_segments; ++s) total = __fadd_rn(total, from[s * segment_stride]);
  *to = total;
}

__global__ void clear_kernel(Index m, Index n, float* c, Index ldc) {
  const Index element = Index{blockIdx.x} * kSumThreads + threadIdx.x;
  if (element < m * n) c[element / n * ldc + element % n] = 0.0f;
}

bool is_aligned(const float* data, Index stride) {
  return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && stride % 4 == 0;
}

template <typename TileShape>
void launch_tile(Queue& queue, const Product& product, int num_splits, Layout a, Layout b) {
  using Kernel = void (*)(Product);
  constexpr Layout kAlong = Layout::kAlongK, kAcross = Layout::kAcross, kAligned = Layout::kAcrossAligned;
  Kernel kernel = product_kernel<TileShape, kAlong, kAlong>;
  if (a == kAlong) {
    if (b == kAligned) kernel = product_kernel<TileShape, kAlong, kAligned>;
    if (b == kAcross) kernel = product_kernel<TileShape, kAlong, kAcross>;
  } else {
    const bool aligned = a == kAligned && b == kAligned;
    kernel = aligned ? product_kernel<TileShape, kAligned, kAligned> : product_kernel<TileShape, kAcross, kAcross>;
  }
  const unsigned tiles = blocks_for(product.m, TileShape::kRows) * blocks_for(product.n, TileShape::kColumns);
  launch(queue, kernel, dim3(tiles, static_cast<unsigned>(num_splits)), TileShape::kThreads, TileShape::kSharedBytes,
         product);
}

/// Cycles that a scheduler spends on a plan: 64 multiply-adds of a warp per k, of which two warps hide each other's
/// latencies, and memory traffic where sums of segments are kept.
template <typename TileShape>
double estimated_cycles(Index m, Index n, Index num_segments, int num_splits, int num_multiprocessors) {
  constexpr double kSchedulers = 4.0, kAlonePenalty = 1.25, kSmallTilePenalty = 1.1;
  constexpr double kBytesPerCycle = 15.0, kLaunchCycles = 4000.0;  // memory of a multiprocessor's share
  const double tiles = static_cast<double>(blocks_for(m, TileShape::kRows)) * blocks_for(n, TileShape::kColumns);
  const double blocks = std::ceil(tiles * num_splits / num_multiprocessors);
  const double warps = std::ceil(blocks * (TileShape::kThreads / kWarpSize) / kSchedulers);
  const double segments = static_cast<double>((num_segments + num_splits - 1) / num_splits);
  double cycles = warps * segments * kSegment * kThreadRows * kThreadColumns;
  if (warps < 2.0) cycles *= kAlonePenalty;
  if (TileShape::kThreads < LargeTile::kThreads) cycles *= kSmallTilePenalty;
  if (num_splits == 1) return cycles;
  const double bytes = 2.0 * sizeof(float) * static_cast<double>(m) * static_cast<double>(n * num_segments);
  return cycles + kLaunchCycles + bytes / (kBytesPerCycle * num_multiprocessors);
}

Product product_of(Index m, Index n, std::span<const ProductPart> parts, Layout a, Layout b) {
  Product product{};
  product.m = static_cast<int>(m);
  product.n = static_cast<int>(n);
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const ProductPart& part = parts[p];
    product.parts[p] = {part.a, part.b, a == Layout::kAlongK ? part.a_row : part.a_k,
                        b == Layout::kAlongK ? part.b_column : part.b_k, static_cast<int>(part.k)};
    product.total_k += static_cast<int>(part.k);
  }
  return product;
}

Layout layout_of_a(std::span<const ProductPart> parts) {
  const auto along = [](const ProductPart& part) { return part.a_k == 1; };
  if (std::all_of(parts.begin(), parts.end(), along)) return Layout::kAlongK;
  const auto aligned = [](const ProductPart& part) { return is_aligned(part.a, part.a_k); };
  return std::all_of(parts.begin(), parts.end(), aligned) ? Layout::kAcrossAligned : Layout::kAcross;
}

Layout layout_of_b(std::span<const ProductPart> parts) {
  const auto across = [](const ProductPart& part) { return part.b_column == 1; };
  if (!std::all_of(parts.begin(), parts.end(), across)) return Layout::kAlongK;
  const auto aligned = [](const ProductPart& part) { return is_aligned(part.b, part.b_k); };
  return std::all_of(parts.begin(), parts.end(), aligned) ? Layout::kAcrossAligned : Layout::kAcross;
}

void launch_product(Queue& queue, const Product& product, TileSize tile, int num_splits, Layout a, Layout b) {
  if (tile == TileSize::kLarge) {
    launch_tile<LargeTile>(queue, product, num_splits, a, b);
  } else {
    launch_tile<SmallTile>(queue, product, num_splits, a, b);
  }
}

}  // namespace

std::vector<ProductPlan> possible_plans(Index m, Index n, Index k) {
  constexpr Index kMaxScratch = Index{64} << 20;  // floats
  constexpr Index kMostSplits = 65535;            // rows of blocks that a grid may have
  const Index num_segments = (k + kSegment - 1) / kSegment;
  std::vector<ProductPlan> plans;
  for (int num_splits = 1; num_splits == 1 || num_splits <= std::min(num_segments, kMostSplits); num_splits *= 2) {
    if (num_splits > 1 && m * n * num_segments > kMaxScratch) break;
    for (const TileSize tile : {TileSize::kLarge, TileSize::kSmall}) plans.push_back({tile, num_splits});
  }
  return plans;
}

ProductPlan plan_product(Index m, Index n, Index k, int num_multiprocessors) {
  const Index num_segments = (k + kSegment - 1) / kSegment;
  ProductPlan best;
  double least = std::numeric_limits<double>::infinity();
  for (const ProductPlan& plan : possible_plans(m, n, k)) {
    const auto estimate = plan.tile == TileSize::kLarge ? estimated_cycles<LargeTile> : estimated_cycles<SmallTile>;
    const double cycles = estimate(m, n, num_segments, plan.num_splits, num_multiprocessors);
    if (cycles < least) least = cycles, best = plan;
  }
  return best;
}

void multiply_parts(Queue& queue, Index m, Index n, std::span<const ProductPart> parts, float* c, Index ldc,
                    bool continue_sums, const ProductPlan& plan) {
  const Layout a = layout_of_a(parts), b = layout_of_b(parts);
  Product product = product_of(m, n, parts, a, b);
  if (m == 0 || n == 0) return;
  const unsigned element_blocks = blocks_for(m * n, kSumThreads);
  if (product.total_k == 0) {
    if (!continue_sums) launch(queue, clear_kernel, element_blocks, kSumThreads, 0, m, n, c, ldc);
    return;
  }
  const int num_segments = (product.total_k + kSegment - 1) / kSegment;
  product.segments_per_block = (num_segments + plan.num_splits - 1) / plan.num_splits;
  const int num_splits = (num_segments + product.segments_per_block - 1) / product.segments_per_block;
  if (num_splits == 1) {
    product.c = c;
    product.ldc = ldc;
    product.c_aligned = is_aligned(c, ldc);
    product.continue_sums = continue_sums;
    launch_product(queue, product, plan.tile, 1, a, b);
    return;
  }
  product.ldc = (n + 3) / 4 * 4;
  product.segment_stride = m * product.ldc;
  product.c = queue.scratch(Scratch::kSegmentSums, num_segments * product.segment_stride);
  product.c_aligned = true;
  launch_product(queue, product, plan.tile, num_splits, a, b);
  launch(queue, add_segments_kernel, element_blocks, kSumThreads, 0, m, n, num_segments, product.c, product.ldc,
         product.segment_stride, continue_sums, c, ldc);
}

void multiply_parts(Queue& queue, int num_multiprocessors, Index m, Index n, std::span<const ProductPart> parts,
                    float* c, Index ldc, bool continue_sums) {
  Index k = 0;
  for (const ProductPart& part : parts) k += part.k;
  multiply_parts(queue, m, n, parts, c, ldc, continue_sums, plan_product(m, n, k, num_multiprocessors));
}

}  // namespace reprise::numerics::cuda
