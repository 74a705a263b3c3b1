#include <cstring>

#include "embedding.h"
#include "launch.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpSize;

/// A warp per token.
template <bool kAligned>
__global__ void lookup_kernel(Index num_tokens, Index dim, const std::int32_t* ids, const float* table, float* y) {
  const Index token = Index{blockIdx.x} * kWarps + static_cast<Index>(threadIdx.x / kWarpSize);
  if (token >= num_tokens) return;
  const Index thread = threadIdx.x % kWarpSize;
  const float* const from = table + Index{ids[token]} * dim;
  float* const to = y + token * dim;
  if constexpr (kAligned) {
#pragma unroll 4
    for (Index d = 4 * thread; d < dim; d += 4 * kWarpSize) store4(to + d, load4(from + d));
  } else {
#pragma unroll 4
    for (Index d = thread; d < dim; d += kWarpSize) to[d] = from[d];
  }
}

constexpr int kTile = 1024;  // ids in shared memory

/// Sorts positions by id, equal ones ascending: the place of a position is the number of those before it, all of which
/// are counted. A block places 32 positions, each by a thread of every warp, and a warp counts among its part of the
/// ids.
__global__ void sort_positions(int num_tokens, const std::int32_t* ids, std::int32_t* sorted) {
  REPRISE_SHARED(std::int32_t, tile, [kTile]);
  REPRISE_SHARED(int, counts, [kWarps][kWarpSize]);
  const int thread = static_cast<int>(threadIdx.x % kWarpSize), warp = static_cast<int>(threadIdx.x / kWarpSize);
  const int position = static_cast<int>(blockIdx.x) * kWarpSize + thread;
  const std::int32_t id = position < num_tokens ? ids[position] : 0;
  int before = 0;
  for (int begin = 0; begin < num_tokens; begin += kTile) {
    for (int i = static_cast<int>(threadIdx.x); i < kTile && begin + i < num_tokens; i += kThreads) {
      tile[i] = ids[begin + i];
    }
    __syncthreads();
    constexpr int kPart = kTile / kWarps;
    const int first = warp * kPart;
    const int count = num_tokens - begin - first < kPart ? num_tokens - begin - first : kPart;
#pragma unroll 8
    for (int i = first; i < first + count; ++i) {
      before += tile[i] < id || (tile[i] == id && begin + i < position) ? 1 : 0;
    }
    __syncthreads();
  }
  counts[warp][thread] = before;
  __syncthreads();
  if (warp != 0 || position >= num_tokens) return;
  int place = 0;
  for (int part = 0; part < kWarps; ++part) place += counts[part][thread];
  sorted[place] = position;
}

constexpr int kGradientThreads = 128;
constexpr int kAtOnce = 16;  // rows whose loads overlap

/// Whether the positions of an id are a run of `sorted` that begins at `place`.
__device__ __forceinline__ bool begins_run(int place, const std::int32_t* ids, const std::int32_t* sorted) {
  return place == 0 || ids[sorted[place - 1]] != ids[sorted[place]];
}

/// A block adds 128 columns of the rows of one id, in order; where no run begins it has nothing to do.
__global__ void add_rows_of_id(int num_tokens, Index dim, Index vocab, const std::int32_t* ids,
                               const std::int32_t* sorted, const float* dy, float* dtable) {
  const int begin = static_cast<int>(blockIdx.x);
  if (!begins_run(begin, ids, sorted)) return;
  const std::int32_t id = ids[sorted[begin]];
  if (id < 0 || id >= vocab) return;
  const int thread = static_cast<int>(threadIdx.x % kWarpSize);
  for (Index first = Index{blockIdx.y} * kGradientThreads; first < dim; first += Index{gridDim.y} * kGradientThreads) {
    const Index column = first + threadIdx.x;
    float sum = 0.0f;
    int length = kWarpSize;
    for (int place = begin; length == kWarpSize; place += kWarpSize) {
      const std::int32_t position = place + thread < num_tokens ? sorted[place + thread] : 0;
      length = place + thread < num_tokens && ids[position] == id ? 1 : 0;
      for (int distance = 1; distance < kWarpSize; distance *= 2) {
        length += __shfl_xor_sync(kWholeWarp, length, distance);
      }
      for (int done = 0; done < length; done += kAtOnce) {
        float values[kAtOnce];
#pragma unroll
        for (int i = 0; i < kAtOnce; ++i) {
          const Index row = __shfl_sync(kWholeWarp, position, done + i);
          values[i] = done + i < length && column < dim ? dy[row * dim + column] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < kAtOnce; ++i) {
          if (done + i < length) sum = __fadd_rn(sum, values[i]);
        }
      }
    }
    if (column < dim) dtable[id * dim + column] = sum;
  }
}

bool aligned(const float* x) { return reinterpret_cast<std::uintptr_t>(x) % 16 == 0; }

}  // namespace

void embedding_forward(Queue& queue, Index num_tokens, Index dim, const std::int32_t* ids, const float* table,
                       float* y) {
  const bool in_fours = dim % 4 == 0 && aligned(table) && aligned(y);
  launch(queue, in_fours ? lookup_kernel<true> : lookup_kernel<false>, blocks_for(num_tokens, kWarps), kThreads, 0,
         num_tokens, dim, ids, table, y);
}

void embedding_backward(Queue& queue, Index num_tokens, Index dim, Index vocab, const std::int32_t* ids,
                        const float* dy, float* dtable) {
  queue.stream().clear(dtable, static_cast<std::size_t>(vocab * dim) * sizeof(float));
  if (num_tokens == 0) return;
  auto* const sorted = reinterpret_cast<std::int32_t*>(queue.scratch(Scratch::kTokenOrder, num_tokens));
  launch(queue, sort_positions, blocks_for(num_tokens, kWarpSize), kThreads, 0, num_tokens, ids, sorted);
  const dim3 grid(static_cast<unsigned>(num_tokens),
                  blocks_for(dim, kGradientThreads) < 64u ? blocks_for(dim, kGradientThreads) : 64u);
  launch(queue, add_rows_of_id, grid, kGradientThreads, 0, num_tokens, dim, vocab, ids, sorted, dy, dtable);
}

}  // namespace reprise::numerics::cuda
