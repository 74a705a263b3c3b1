// Attention, backward [C-12], [C-40]: the gradients of keys and values, and for them the slopes z of all scores.
//
// Five products per pair are needed: two dots, and one each for dq, dk and dv. dk and dv are sums over queries and dq
// is one over keys, so no block can hold all three without atomics. A kernel of its own for dq that starts from q and k
// would need both dots again: 4 E operations more per pair, at E = 64 on an H100 (67 Tflop/s) 3.8 ps. Here the first
// kernel stores z and the one for dq reads it: 8 bytes per pair, 2.7 ps at 3 TB/s and less in the cache.
//
// In a block 256 threads do the same things twice: threads of role 0 have weights, k, q and dv; those of role 1 have
// slopes, v, g and dk.
#include "attention_backward.h"
#include "attention_launch.h"
#include "launch.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kBlockThreads = 2 * kTileThreads;
constexpr int kRowThreads = 256;

/// g = dout / row_sum, and delta: a warp per row, that is query and head.
__global__ void __launch_bounds__(kRowThreads)
    scale_gradient_kernel(AttentionCall call, BackwardArrays arrays, Index num_rows) {
  const Index row = Index{blockIdx.x} * (kRowThreads / kWarpSize) + threadIdx.x / kWarpSize;
  if (row >= num_rows) return;
  const Index head = row % call.num_heads, token = row / call.num_heads;
  const Index kept = (token / call.length * call.num_heads + head) * call.length + token % call.length;
  const float row_sum = arrays.row_sum[kept];
  float lane = 0.0f;
  Index e = threadIdx.x % kWarpSize;
  for (; e < call.dim; e += kWarpSize) {
    const float g = __fdiv_rn(arrays.dout[row * call.dim + e], row_sum);
    arrays.g[row * call.dim + e] = g;
    lane = __fmaf_rn(g, arrays.out[row * call.dim + e], lane);
  }
  // [C-4]: the row goes on with +0 to the end of the warp, which turns a lane of -0 into +0.
  if (e - threadIdx.x % kWarpSize < call.dim) lane = __fadd_rn(lane, 0.0f);
  const float delta = sum_of_lanes(lane);
  if (threadIdx.x % kWarpSize == 0) arrays.delta[kept] = delta;
}

/// What is kept of the 64 queries of a tile. Queries beyond the end see nothing.
struct QueryValues {
  float row_max[kTile], delta[kTile];
  int first_key[kTile];
};

/// The 64 keys of a block, and what one role reads and writes.
struct KeyBlock {
  Index sequence, kv_head;
  int role, first;
  HeadRows k, v;
  float *gradient, *total;  // at the first key
  Index unit;               // of the launch
};

__device__ __forceinline__ KeyBlock key_block(const AttentionCall& call, const BackwardArrays& arrays,
                                              const BackwardPart& part) {
  KeyBlock block;
  block.unit = blockIdx.x % part.num_units;
  // Blocks with the most queries start first: those of the first keys.
  block.first = part.first_tile * kTile + static_cast<int>(blockIdx.x / part.num_units) * kTile;
  const Index kv = part.first_unit + block.unit;
  block.sequence = kv / call.num_kv_heads, block.kv_head = kv % call.num_kv_heads;
  block.role = static_cast<int>(threadIdx.x) / kTileThreads;
  const Index stride = call.num_kv_heads * call.dim;
  const Index at = (block.sequence * call.length + block.first) * stride + block.kv_head * call.dim;
  const int count = static_cast<int>(call.length) - block.first;
  block.k = {arrays.k + at, stride, count, static_cast<int>(call.dim), call.aligned};
  block.v = block.k, block.v.from = arrays.v + at;
  block.gradient = (block.role == 0 ? arrays.dv : arrays.dk) + at;
  block.total = (block.role == 0 ? arrays.dv_total : arrays.dk_total) + at;
  return block;
}

/// The block's shared memory.
template <int kChunks, HeadSize kSize>
struct KeyBlockMemory {
  using Rows = WideElementRows<kSize == HeadSize::kWhole ? kChunks * kTile : kTile>;
  static constexpr std::size_t kBytes =
      2 * sizeof(float) * (Rows::kFloats + ElementRows::kFloats + WeightRows::kFloats);
  static constexpr std::size_t kWithVariables = kBytes + sizeof(QueryValues);
  static_assert(kWithVariables <= kLeastSharedBytes || (kSize == HeadSize::kWhole && kChunks > 1));

  __device__ __forceinline__ static float* rows(int role) { return dynamic_shared() + role * Rows::kFloats; }
  __device__ __forceinline__ static float* stream(int which) { return rows(2) + which * ElementRows::kFloats; }
  __device__ __forceinline__ static float* weights(int role) { return stream(2) + role * WeightRows::kFloats; }
};

/// Adds a segment of queries to the sums of the thread's keys, or starts them with it.
template <bool kPlain>
__device__ __forceinline__ void add_query_segment(const AttentionCall& call, Index sequence, const Tile& sums,
                                                  float* total, const KeyBlock& block, const TilePlace& at, int element,
                                                  int segment) {
  const int first = first_key<kPlain>(call, sequence, segment);
  total = recomputed(total);
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
    const int row = at.row + 4 * i, key = block.first + row;
    if (row >= block.k.count || (segment > key && first > key)) continue;
    float* const to = total + row * recomputed(block.k.stride) + element;
    for_each_element(sums[i], at.column, block.k.dim - element,
                     [&](int e, float sum) { to[e] = segment > key ? __fadd_rn(to[e], sum) : sum; });
  }
}

/// Ends the sums of one query head: they become the gradient of the keys, or are added to it.
__device__ __forceinline__ void end_head(const Tile& sums, const float* total, float factor, bool starts,
                                         const KeyBlock& block, const TilePlace& at, int element) {
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
    const int row = at.row + 4 * i;
    if (row >= block.k.count) continue;
    const Index offset = row * recomputed(block.k.stride) + element;
    for_each_element(sums[i], at.column, block.k.dim - element, [&](int e, float) {
      float value = total[offset + e];
      if (block.role == 1) value = __fmul_rn(value, factor);
      float* const to = block.gradient + offset + e;
      *to = starts ? value : __fadd_rn(*to, value);
    });
  }
}

/// The queries from `first` on, of one head.
struct QueryTile {
  int first;
  HeadRows q, g;
};

template <int kChunks, HeadSize kSize>
__device__ __forceinline__ void copy_queries(const QueryTile& tile, int element) {
  using Memory = KeyBlockMemory<kChunks, kSize>;
  copy_chunk<kBlockThreads, ElementRows>(tile.q, element, Memory::stream(0));
  copy_chunk<kBlockThreads, ElementRows>(tile.g, element, Memory::stream(1));
}

/// dots = k q for role 0, v g for role 1.
template <int kChunks, HeadSize kSize>
__device__ __forceinline__ void dot_queries(const KeyBlock& block, const QueryTile& tile, const TilePlace& at,
                                            Tile& dots) {
  constexpr bool kWhole = kSize == HeadSize::kWhole;
  using Memory = KeyBlockMemory<kChunks, kSize>;
  using Rows = typename Memory::Rows;
  Tile total;
  clear_tile(dots);
  for (int element = 0; element < block.k.dim; element += kTile) {
    __syncthreads();
    if (!kWhole) {
      copy_chunk<kBlockThreads, Rows>(block.k, element, Memory::rows(0));
      copy_chunk<kBlockThreads, Rows>(block.v, element, Memory::rows(1));
    }
    copy_queries<kChunks, kSize>(tile, element);
    finish_copies();
    if (kSize == HeadSize::kAny && element > 0 && element % 256 == 0) fold_segment(dots, total, element == 256);
    const int count = block.k.dim - element < kTile ? block.k.dim - element : kTile;
    add_dots<Rows>(dots, Memory::rows(block.role) + Rows::at(at.row) + (kWhole ? element : 0),
                   Memory::stream(block.role) + ElementRows::at(at.column), count);
  }
  if (kSize == HeadSize::kAny) end_segments(dots, total);
}

/// Weights of the tile by role 0, slopes by role 1, each in the memory of its role.
template <bool kPlain>
__device__ __forceinline__ void weigh(const AttentionCall& call, Index head, const KeyBlock& block, int first_query,
                                      const QueryValues& values, const TilePlace& at, const Tile& dots, float* weights,
                                      float* slopes) {
  weights += WeightRows::at(at.row) + at.column, slopes += WeightRows::at(at.row) + at.column;
  const bool capped = !kPlain && call.softcap != 0.0f;
  if (block.role == 0) {
    const auto weigh_one = [&](int i, int c, float dot) {
      const int row = at.row + 4 * i, column = at.column + 8 * c, place = WeightRows::at(4 * i) + 8 * c;
      const Score score = score_of<kPlain>(call, head, dot, first_query + column, block.first + row);
      weights[place] = exp_value(__fsub_rn(score.value, values.row_max[column]));
      if (capped) slopes[place] = score.derivative;
    };
#pragma unroll
    for (int i = 0; i < kTileRows; ++i) {
#pragma unroll
      for (int c = 0; c < kTileColumns; ++c) {
        if (kPlain) {
          weigh_one(i, c, dots[i][c]);
        } else {
          weights[WeightRows::at(4 * i) + 8 * c] = dots[i][c];
        }
      }
    }
    // Options take registers, which a loop of four at a time has.
#pragma unroll 1
    for (int i = 0; !kPlain && i < kTileRows; ++i) {
#pragma unroll 4
      for (int c = 0; c < kTileColumns; ++c) weigh_one(i, c, weights[WeightRows::at(4 * i) + 8 * c]);
    }
  }
  __syncthreads();
  if (block.role == 1) {
#pragma unroll
    for (int i = 0; i < kTileRows; ++i) {
#pragma unroll
      for (int c = 0; c < kTileColumns; ++c) {
        const int column = at.column + 8 * c, place = WeightRows::at(4 * i) + 8 * c;
        const float z = __fmul_rn(weights[place], __fsub_rn(dots[i][c], values.delta[column]));
        slopes[place] = capped ? __fmul_rn(z, slopes[place]) : z;
      }
    }
  }
  __syncwarp();
}

/// Copies the 16 rows of each warp of role 1 to the tile of slopes in global memory.
__device__ __forceinline__ void store_slopes(const float* slopes, float* to) {
  const int thread = static_cast<int>(threadIdx.x) - kTileThreads, lane = thread % kWarpSize;
  const int row = thread / kWarpSize * 16 + lane / 16, column = lane % 16 * 4;
#pragma unroll
  for (int i = 0; i < 16; i += 2) {
    store4(to + (row + i) * kTile + column, load4(slopes + WeightRows::at(row) + WeightRows::at(i) + column));
  }
}

template <int kChunks, HeadSize kSize, bool kPlain>
__global__ void __launch_bounds__(kBlockThreads, kChunks == 1 && kSize == HeadSize::kWhole ? 2 : 1)
    key_gradient_kernel(AttentionCall call, BackwardArrays arrays, BackwardPart part) {
  constexpr bool kWhole = kSize == HeadSize::kWhole;
  using Memory = KeyBlockMemory<kChunks, kSize>;
  REPRISE_SHARED(QueryValues, values, [1]);
  const KeyBlock block = key_block(call, arrays, part);
  const TilePlace at = tile_place();
  const int length = static_cast<int>(call.length), first_chunk = static_cast<int>(blockIdx.y) * kChunks;
  const Index group = call.num_heads / call.num_kv_heads, stride = call.num_heads * call.dim;
  if (kWhole) {
    for (int element = 0; element < call.dim; element += kTile) {
      copy_chunk<kBlockThreads, typename Memory::Rows>(block.k, element, Memory::rows(0) + element);
      copy_chunk<kBlockThreads, typename Memory::Rows>(block.v, element, Memory::rows(1) + element);
    }
  }
#pragma unroll 1
  for (Index member = 0; member < group; ++member) {
    const Index head = block.kv_head * group + member, kept = (block.sequence * call.num_heads + head) * call.length;
    float* const total = member == 0 ? block.gradient : block.total;
    Tile sums[kChunks];
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) clear_tile(sums[chunk]);
#pragma unroll 1
    for (int query = block.first; query < length; query += kTile) {
      const Index from = (block.sequence * call.length + query) * stride + head * call.dim;
      const bool last =
          query + kTile >= length || first_key<kPlain>(call, block.sequence, query + kTile) >= block.first + kTile;
      QueryTile tile;
      tile.first = query;
      tile.q = {arrays.q + from, stride, length - query, static_cast<int>(call.dim), call.aligned};
      tile.g = tile.q, tile.g.from = arrays.g + from;
      __syncthreads();  // the values of the tile before are in use no more
      if (threadIdx.x < kTile && query + static_cast<int>(threadIdx.x) < length) {
        const int i = query + static_cast<int>(threadIdx.x);
        values[0].row_max[threadIdx.x] = arrays.row_max[kept + i];
        values[0].delta[threadIdx.x] = arrays.delta[kept + i];
        values[0].first_key[threadIdx.x] = first_key<kPlain>(call, block.sequence, i);
      }
      Tile dots;
      dot_queries<kChunks, kSize>(block, tile, at, dots);
      weigh<kPlain>(call, head, block, query, values[0], at, dots, Memory::weights(0), Memory::weights(1));
      if (block.role == 1 && first_chunk == 0) {
        const Index slopes = (block.unit * group + member) * part.num_tiles + (block.first / kTile - part.first_tile);
        const Index tiles = (call.length + kTile - 1) / kTile;
        store_slopes(Memory::weights(1), arrays.slopes + (slopes * tiles + query / kTile) * kTile * kTile);
      }
      const bool whole = query > block.first && query + kTile <= length &&
                         first_key<kPlain>(call, block.sequence, query + kTile - 1) <= block.first;
#pragma unroll
      for (int chunk = kChunks - 1; chunk >= 0; --chunk) {
        const int element = (first_chunk + chunk) * kTile;
        if (!kWhole || chunk != kChunks - 1) {  // else it is there still
          __syncthreads();
          copy_queries<kChunks, kSize>(tile, element);
          finish_copies();
        }
        add_weighted(sums[chunk], Memory::weights(block.role) + WeightRows::at(at.row),
                     Memory::stream(1 - block.role) + 4 * at.column, whole, [&](int i, int k) {
                       const int key = block.first + at.row + 4 * i;
                       return query + k >= key && query + k < length && (kPlain || values[0].first_key[k] <= key);
                     });
        if (!last && query / kTile % kSegmentTiles != kSegmentTiles - 1) continue;
        add_query_segment<kPlain>(call, block.sequence, sums[chunk], total, block, at, element, query / 256 * 256);
        clear_tile(sums[chunk]);
      }
      if (last) break;
    }
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      end_head(sums[chunk], total, call.scale, member == 0, block, at, (first_chunk + chunk) * kTile);
    }
  }
}

template <int kChunks, HeadSize kSize, bool kPlain>
void launch_part(Queue& queue, const AttentionCall& call, const BackwardArrays& arrays, const BackwardPart& part) {
  constexpr bool kWhole = kSize == HeadSize::kWhole;
  const unsigned groups = kWhole ? 1 : blocks_for(call.dim, kChunks * kTile);
  launch(queue, key_gradient_kernel<kChunks, kSize, kPlain>,
         dim3(static_cast<unsigned>(part.num_units * part.num_tiles), groups), dim3(kBlockThreads),
         KeyBlockMemory<kChunks, kSize>::kBytes, call, arrays, part);
}

}  // namespace

void attention_backward(Queue& queue, const AttentionShape& shape, const AttentionOptions& options, const float* q,
                        const float* k, const float* v, const float* out, const float* row_max, const float* row_sum,
                        const float* dout, float* dq, float* dk, float* dv, Index slopes_at_a_time) {
  if (shape.num_sequences == 0 || shape.length == 0) return;
  const AttentionCall call = attention_call(shape, options, {q, k, v, dq, dk, dv});
  BackwardArrays arrays{q, k, v, out, row_max, row_sum, dout, dq, dk, dv, nullptr, nullptr, nullptr, nullptr, nullptr};
  const Index num_rows = shape.num_sequences * shape.length * shape.num_heads, tiles = blocks_for(shape.length, kTile);
  const Index group = shape.num_heads / shape.num_kv_heads, units = shape.num_sequences * shape.num_kv_heads;
  const Index totals = group == 1 ? 0 : num_rows / group * shape.head_dim;
  const BackwardPart largest = largest_part(units, group, tiles, slopes_at_a_time);
  const auto rounded = [](Index count) { return (count + 63) / 64 * 64; };
  const Index num_slopes = largest.num_units * group * largest.num_tiles * tiles * kTile * kTile;
  arrays.slopes = queue.scratch(
      Scratch::kAttention, num_slopes + rounded(num_rows * shape.head_dim) + rounded(num_rows) + 2 * rounded(totals));
  arrays.g = arrays.slopes + num_slopes;
  arrays.delta = arrays.g + rounded(num_rows * shape.head_dim);
  arrays.dk_total = arrays.delta + rounded(num_rows);
  arrays.dv_total = arrays.dk_total + rounded(totals);

  launch(queue, scale_gradient_kernel, dim3(blocks_for(num_rows, kRowThreads / kWarpSize)), dim3(kRowThreads), 0, call,
         arrays, num_rows);
  // A GPU that has no room for two heads of 128 brings keys and values anew for each tile of queries.
  const bool keeps = queue.shared_bytes_per_block() >= KeyBlockMemory<2, HeadSize::kWhole>::kWithVariables;
  choose_kernel(call, keeps ? kLongestOfOneBlock : kTile, [&](auto chunks, auto size, auto plain) {
    BackwardPart part = largest;
    for (part.first_unit = 0; part.first_unit < units; part.first_unit += largest.num_units) {
      part.num_units = units - part.first_unit < largest.num_units ? units - part.first_unit : largest.num_units;
      for (Index tile = 0; tile < tiles; tile += largest.num_tiles) {
        part.first_tile = static_cast<int>(tile);
        part.num_tiles = static_cast<int>(tiles - tile < largest.num_tiles ? tiles - tile : largest.num_tiles);
        launch_part<chunks, size, plain>(queue, call, arrays, part);
        query_gradient<plain>(queue, call, arrays, part);
      }
    }
  });
}

}  // namespace reprise::numerics::cuda
