// Attention, forward [C-12], [C-40].
//
// A block has 64 queries of one head. exp(s - m) needs the row's true maximum, so a first pass over the keys computes
// scores for their maximum alone and a second computes them again, which costs half as much again as scores kept.
// Keeping them would write and read 8 bytes per pair: at 3 TB/s as long as the 128 operations of a head of 64 take.
#include "attention_launch.h"
#include "attention_rule.h"
#include "attention_tiles.h"
#include "launch.h"

namespace reprise::numerics::cuda {
namespace {

/// Blocks that a multiprocessor should hold: as many as its registers allow without spilling. Of heads of 128 the
/// shared memory of an A100 holds two.
constexpr int blocks_at_once([[maybe_unused]] int chunks, HeadSize size, bool plain) {
  if (!plain || size == HeadSize::kAny) return 2;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
  if (chunks == 2) return 2;
#endif
  return 3;
}

struct ForwardArrays {
  const float *q, *k, *v;
  float *out, *row_max, *row_sum;
};

/// The 64 queries of a block and what they read.
struct QueryBlock {
  Index sequence, head;
  int first;  // query
  HeadRows q;
  const float *k, *v;  // at key 0
  Index kv_stride;
};

__device__ __forceinline__ QueryBlock query_block(const AttentionCall& call, const ForwardArrays& arrays) {
  // Blocks with the most keys start first.
  const Index heads_of_all = gridDim.x / ((call.length + kTile - 1) / kTile);
  const Index tiles = gridDim.x / heads_of_all, unit = blockIdx.x % heads_of_all;
  const Index tile = tiles - 1 - blockIdx.x / heads_of_all;
  QueryBlock block;
  block.sequence = unit / call.num_heads, block.head = unit % call.num_heads;
  block.first = static_cast<int>(tile) * kTile;
  const Index stride = call.num_heads * call.dim, kv_head = block.head / (call.num_heads / call.num_kv_heads);
  block.kv_stride = call.num_kv_heads * call.dim;
  const int count = static_cast<int>(call.length) - block.first;
  block.q = {arrays.q + (block.sequence * call.length + block.first) * stride + block.head * call.dim, stride, count,
             static_cast<int>(call.dim), call.aligned};
  const Index kv = block.sequence * call.length * block.kv_stride + kv_head * call.dim;
  block.k = arrays.k + kv, block.v = arrays.v + kv;
  return block;
}

/// Rows of k or v from `first` on.
__device__ __forceinline__ HeadRows key_rows(const AttentionCall& call, const QueryBlock& block, const float* x,
                                             int first) {
  return {x + first * block.kv_stride, block.kv_stride, static_cast<int>(call.length) - first,
          static_cast<int>(call.dim), call.aligned};
}

template <int kChunks, HeadSize kSize>
using QueryRows = WideElementRows<kSize == HeadSize::kWhole ? kChunks * kTile : kTile>;

/// Dots of the block's queries with the keys from `first` on. q_tile holds the queries when the head is kept whole.
template <int kChunks, HeadSize kSize>
__device__ __forceinline__ void dot_tile(const QueryBlock& block, const HeadRows& keys, const TilePlace& at,
                                         float* q_tile, float* k_tile, Tile& dots) {
  constexpr bool kWhole = kSize == HeadSize::kWhole;
  using Queries = QueryRows<kChunks, kSize>;
  Tile total;
  clear_tile(dots);
  for (int element = 0; element < keys.dim; element += kTile) {
    __syncthreads();
    if (!kWhole) copy_chunk<kTileThreads, Queries>(block.q, element, q_tile);
    copy_chunk<kTileThreads, ElementRows>(keys, element, k_tile);
    finish_copies();
    if (kSize == HeadSize::kAny && element > 0 && element % 256 == 0) fold_segment(dots, total, element == 256);
    const int count = keys.dim - element < kTile ? keys.dim - element : kTile;
    add_dots<Queries>(dots, q_tile + Queries::at(at.row) + (kWhole ? element : 0), k_tile + ElementRows::at(at.column),
                      count);
  }
  if (kSize == HeadSize::kAny) end_segments(dots, total);
}

/// The keys that the rows of a thread may see.
struct KeyLimits {
  int first[kTileRows], last[kTileRows];
  template <bool kPlain>
  __device__ __forceinline__ bool allow(int i, int key) const {
    return key <= last[i] && (kPlain || key >= first[i]);
  }
};

/// out = the sum over the segment from `begin` on, or out plus it; divided in the last segment.
template <bool kPlain>
__device__ __forceinline__ void add_segment(const Tile& sums, float* out, Index stride, const TilePlace& at, int width,
                                            const KeyLimits& limits, int begin, int length, bool last,
                                            const float (&row_sum)[kTileRows]) {
  out = recomputed(out);
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
    const int first = kPlain ? 0 : limits.first[i];
    if (limits.last[i] >= length || first >= begin + 256) continue;
    float* const row = out + 4 * i * stride;
    for_each_element(sums[i], at.column, width, [&](int element, float sum) {
      const float total = first >= begin ? sum : __fadd_rn(row[element], sum);
      row[element] = last ? __fdiv_rn(total, row_sum[i]) : total;
    });
  }
}

template <int kChunks, HeadSize kSize, bool kPlain>
__global__ void __launch_bounds__(kTileThreads, blocks_at_once(kChunks, kSize, kPlain))
    forward_kernel(AttentionCall call, ForwardArrays arrays) {
  constexpr bool kWhole = kSize == HeadSize::kWhole;
  const TilePlace at = tile_place();
  const QueryBlock block = query_block(call, arrays);
  const int length = static_cast<int>(call.length), first_chunk = static_cast<int>(blockIdx.y) * kChunks;
  float* const q_tile = dynamic_shared();
  float* const stream = q_tile + QueryRows<kChunks, kSize>::kFloats;
  float* const weights = stream + ElementRows::kFloats + WeightRows::at(at.row) + at.column;
  if (kWhole) {
    for (int element = 0; element < call.dim; element += kTile) {
      copy_chunk<kTileThreads, QueryRows<kChunks, kSize>>(block.q, element, q_tile + element);
    }
  }
  KeyLimits limits;
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
    limits.last[i] = block.first + at.row + 4 * i;
    limits.first[i] = first_key<kPlain>(call, block.sequence, limits.last[i]);
  }
  const int begin = first_key<kPlain>(call, block.sequence, block.first) / kTile * kTile;
  const int whole_from = first_key<kPlain>(call, block.sequence, block.first + kTile - 1);

  float row_max[kTileRows];
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) row_max[i] = -__int_as_float(0x7f800000);
  Tile dots;
#pragma unroll 1
  for (int key = begin; key <= block.first; key += kTile) {
    dot_tile<kChunks, kSize>(block, key_rows(call, block, block.k, key), at, q_tile, stream, dots);
#pragma unroll
    for (int i = 0; i < kTileRows; ++i) {
#pragma unroll
      for (int c = 0; c < kTileColumns; ++c) {
        const int j = key + at.column + 8 * c;
        const float s = score_of<kPlain>(call, block.head, dots[i][c], limits.last[i], j).value;
        if (limits.allow<kPlain>(i, j) && s > row_max[i]) row_max[i] = s;
      }
    }
  }
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) row_max[i] = greatest_of_row(row_max[i]);

  float lanes[kTileRows][4] = {};
  Tile sums[kChunks];
#pragma unroll
  for (int chunk = 0; chunk < kChunks; ++chunk) clear_tile(sums[chunk]);
  const Index stride = block.q.stride;
  float* const out = arrays.out + (block.q.from - arrays.q) + at.row * stride;
#pragma unroll 1
  for (int key = begin; key <= block.first; key += kTile) {
    dot_tile<kChunks, kSize>(block, key_rows(call, block, block.k, key), at, q_tile, stream, dots);
#pragma unroll
    for (int i = 0; i < kTileRows; ++i) {
#pragma unroll
      for (int c = 0; c < kTileColumns; ++c) {
        const int j = key + at.column + 8 * c;
        const float s = score_of<kPlain>(call, block.head, dots[i][c], limits.last[i], j).value;
        // The least argument of exp gives +0. Without a branch, the exponentials of a thread overlap.
        const float p = exp_value(limits.allow<kPlain>(i, j) ? __fsub_rn(s, row_max[i]) : -104.0f);
        lanes[i][c % 4] = __fadd_rn(lanes[i][c % 4], p);
        weights[WeightRows::at(4 * i) + 8 * c] = p;
      }
    }
    __syncwarp();
    const bool whole = key < block.first && key >= whole_from, last = key == block.first;
    float row_sum[kTileRows];
#pragma unroll
    for (int i = 0; i < kTileRows; ++i) row_sum[i] = last ? sum_of_row(lanes[i]) : 0.0f;
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      const int element = (first_chunk + chunk) * kTile;
      __syncthreads();
      copy_chunk<kTileThreads, ElementRows>(key_rows(call, block, block.v, key), element, stream);
      finish_copies();
      add_weighted(sums[chunk], weights - at.column, stream + 4 * at.column, whole,
                   [&](int i, int k) { return limits.allow<kPlain>(i, key + k); });
      if (!last && key / kTile % kSegmentTiles != kSegmentTiles - 1) continue;
      add_segment<kPlain>(sums[chunk], out + element, stride, at, static_cast<int>(call.dim) - element, limits,
                          key / 256 * 256, length, last, row_sum);
      clear_tile(sums[chunk]);
    }
    if (!last || at.column != 0 || first_chunk != 0) continue;
    const Index rows = (block.sequence * call.num_heads + block.head) * call.length;
#pragma unroll
    for (int i = 0; i < kTileRows; ++i) {
      if (limits.last[i] >= length) continue;
      arrays.row_max[rows + limits.last[i]] = row_max[i];
      arrays.row_sum[rows + limits.last[i]] = row_sum[i];
    }
  }
}

template <int kChunks, HeadSize kSize, bool kPlain>
void launch_forward(Queue& queue, const AttentionCall& call, Index num_sequences, const ForwardArrays& arrays) {
  constexpr bool kWhole = kSize == HeadSize::kWhole;
  const Index tiles = (call.length + kTile - 1) / kTile;
  constexpr std::size_t kShared =
      sizeof(float) * (QueryRows<kChunks, kSize>::kFloats + ElementRows::kFloats + WeightRows::kFloats);
  static_assert(kShared <= kLeastSharedBytes);
  const unsigned groups = kWhole ? 1 : blocks_for(call.dim, kChunks * kTile);
  launch(queue, forward_kernel<kChunks, kSize, kPlain>,
         dim3(static_cast<unsigned>(tiles * call.num_heads * num_sequences), groups), dim3(kTileThreads), kShared, call,
         arrays);
}

}  // namespace

void attention_forward(Queue& queue, const AttentionShape& shape, const AttentionOptions& options, const float* q,
                       const float* k, const float* v, float* out, float* row_max, float* row_sum) {
  if (shape.num_sequences == 0 || shape.length == 0) return;
  const AttentionCall call = attention_call(shape, options, {q, k, v, out});
  const ForwardArrays arrays{q, k, v, out, row_max, row_sum};
  choose_kernel(call, kLongestOfOneBlock, [&](auto chunks, auto size, auto plain) {
    launch_forward<chunks, size, plain>(queue, call, shape.num_sequences, arrays);
  });
}

}  // namespace reprise::numerics::cuda
