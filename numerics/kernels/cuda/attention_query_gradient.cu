// Attention, backward [C-12], [C-40]: dq from the slopes that the gradients of the keys left.
#include "attention_backward.h"
#include "launch.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kSlopeTile = kTile * kTile;

/// The 64 queries of a block: one head, one tile.
struct GradientBlock {
  Index sequence, head, kv_head, slopes;  // slopes: the head's place among those of the part
  int first;
};

__device__ __forceinline__ GradientBlock gradient_block(const AttentionCall& call, const BackwardPart& part) {
  const Index group = call.num_heads / call.num_kv_heads, heads = part.num_units * group;
  const Index tiles = (call.length + kTile - 1) / kTile;
  GradientBlock block;
  block.slopes = blockIdx.x % heads;
  const Index kv = part.first_unit + block.slopes / group;
  block.sequence = kv / call.num_kv_heads, block.kv_head = kv % call.num_kv_heads;
  block.head = block.kv_head * group + block.slopes % group;
  // Blocks with the most keys start first.
  block.first = static_cast<int>(tiles - 1 - blockIdx.x / heads) * kTile;
  return block;
}

/// Starts the copies of one tile of slopes and of its keys. Slopes: [key, query].
template <int kChunks>
__device__ __forceinline__ void copy_tile(const float* slopes, const HeadRows& keys, int element, float* to) {
  for (int at = 4 * static_cast<int>(threadIdx.x); at < kSlopeTile; at += 4 * kTileThreads) {
    copy16_later(to + at, slopes + at);
  }
#pragma unroll
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    copy_chunk<kTileThreads, PlainRows>(keys, element + chunk * kTile, to + kSlopeTile + chunk * PlainRows::kFloats);
  }
  commit_copies();
}

/// sums[chunk][i] += slopes[key, query i] * keys[key, :] for keys ascending, where allowed(i, key).
template <int kChunks, typename Allowed>
__device__ __forceinline__ void add_keys(Tile (&sums)[kChunks], const float* slopes, const float* keys,
                                         const Allowed& allowed) {
#pragma unroll 4
  for (int key = 0; key < kTile; ++key) {
    const float4 z = load4(slopes + key * kTile);
    const float weight[kTileRows] = {z.x, z.y, z.z, z.w};
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      add_weighted_row(sums[chunk], weight, keys + chunk * PlainRows::kFloats + PlainRows::at(key),
                       [&](int i) { return allowed(i, key); });
    }
  }
}

/// Adds the segment from key `begin` on to dq, or starts dq with it; scaled when it is the last.
__device__ __forceinline__ void add_key_segment(const Tile& sums, float* dq, Index stride, const TilePlace& at,
                                                int width, const int (&first_keys)[kTileRows], int rows, int begin,
                                                bool last, float scale) {
  dq = recomputed(dq);
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
    if (i >= rows || first_keys[i] >= begin + 256) continue;
    float* const row = dq + i * stride;
    for_each_element(sums[i], at.column, width, [&](int element, float sum) {
      const float total = first_keys[i] >= begin ? sum : __fadd_rn(row[element], sum);
      row[element] = last ? __fmul_rn(total, scale) : total;
    });
  }
}

template <int kChunks, bool kPlain>
__global__ void __launch_bounds__(kTileThreads, kChunks == 1 ? 4 : 2)
    query_gradient_kernel(AttentionCall call, BackwardArrays arrays, BackwardPart part) {
  constexpr int kStage = kSlopeTile + kChunks * PlainRows::kFloats;
  const GradientBlock block = gradient_block(call, part);
  TilePlace at = tile_place();
  at.row = at.row / 16 * 16 + at.row % 4 * 4;  // a thread's rows are neighbours here
  const int length = static_cast<int>(call.length), element = static_cast<int>(blockIdx.y) * kChunks * kTile;
  int first_keys[kTileRows];
#pragma unroll
  for (int i = 0; i < kTileRows; ++i) {
    first_keys[i] = first_key<kPlain>(call, block.sequence, block.first + at.row + i);
  }
  const int part_begin = part.first_tile * kTile, part_end = part_begin + part.num_tiles * kTile;
  const int visible = first_key<kPlain>(call, block.sequence, block.first) / kTile * kTile;
  const int whole_from = first_key<kPlain>(call, block.sequence, block.first + kTile - 1);
  const int begin = visible > part_begin ? visible : part_begin;
  const int end = block.first + kTile < part_end ? block.first + kTile : part_end;
  if (begin >= end) return;

  const Index stride = call.num_heads * call.dim, kv_stride = call.num_kv_heads * call.dim;
  const Index tiles = (call.length + kTile - 1) / kTile;
  const float* const k = arrays.k + block.sequence * call.length * kv_stride + block.kv_head * call.dim;
  const float* const slopes =
      arrays.slopes + (block.slopes * part.num_tiles * tiles + block.first / kTile) * kSlopeTile;
  const auto start_copy = [&](int key) {
    const HeadRows keys{k + key * kv_stride, kv_stride, length - key, static_cast<int>(call.dim), call.aligned};
    copy_tile<kChunks>(slopes + (key / kTile - part.first_tile) * tiles * kSlopeTile, keys, element,
                       dynamic_shared() + key / kTile % 2 * kStage);
  };
  float* const dq =
      arrays.dq + (block.sequence * call.length + block.first + at.row) * stride + block.head * call.dim + element;
  Tile sums[kChunks];
#pragma unroll
  for (int chunk = 0; chunk < kChunks; ++chunk) clear_tile(sums[chunk]);
  start_copy(begin);
#pragma unroll 1
  for (int key = begin; key < end; key += kTile) {
    if (key + kTile < end) {
      start_copy(key + kTile);
      wait_for_copies<1>();
    } else {
      wait_for_copies<0>();
    }
    __syncthreads();
    const float* const stage = dynamic_shared() + key / kTile % 2 * kStage;
    const float* const values = stage + kSlopeTile + 4 * at.column;
    if (key < block.first && key >= whole_from) {
      add_keys(sums, stage + at.row, values, [](int, int) { return true; });
    } else {
      add_keys(sums, stage + at.row, values, [&](int i, int j) {
        return key + j <= block.first + at.row + i && (kPlain || key + j >= first_keys[i]);
      });
    }
    __syncthreads();
    const bool last = key == block.first;
    if (!last && key / kTile % kSegmentTiles != kSegmentTiles - 1) continue;
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      add_key_segment(sums[chunk], dq + chunk * kTile, stride, at, static_cast<int>(call.dim) - element - chunk * kTile,
                      first_keys, length - block.first - at.row, key / 256 * 256, last, call.scale);
      clear_tile(sums[chunk]);
    }
  }
}

template <int kChunks, bool kPlain>
void launch_part(Queue& queue, const AttentionCall& call, const BackwardArrays& arrays, const BackwardPart& part) {
  constexpr std::size_t kShared = 2 * sizeof(float) * (kSlopeTile + kChunks * PlainRows::kFloats);
  static_assert(kShared <= kLeastSharedBytes);
  const Index heads = part.num_units * (call.num_heads / call.num_kv_heads);
  launch(
      queue, query_gradient_kernel<kChunks, kPlain>,
      dim3(static_cast<unsigned>(heads * ((call.length + kTile - 1) / kTile)), blocks_for(call.dim, kChunks * kTile)),
      dim3(kTileThreads), kShared, call, arrays, part);
}

}  // namespace

template <bool kPlain>
void query_gradient(Queue& queue, const AttentionCall& call, const BackwardArrays& arrays, const BackwardPart& part) {
  if (call.dim <= kTile) {
    launch_part<1, kPlain>(queue, call, arrays, part);
  } else {
    launch_part<2, kPlain>(queue, call, arrays, part);
  }
}

template void query_gradient<true>(Queue&, const AttentionCall&, const BackwardArrays&, const BackwardPart&);
template void query_gradient<false>(Queue&, const AttentionCall&, const BackwardArrays&, const BackwardPart&);

}  // namespace reprise::numerics::cuda
