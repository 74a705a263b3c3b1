#include "chunk_digests.h"
#include "launch.h"

namespace reprise::numerics::cuda {
namespace {

// A chunk's blocks of 64 bytes are a chain, so a thread has a chunk: it is the number of chunks that fills the GPU. The
// warp copies the next block of all its 32 chunks while each thread computes, which takes longer than the copy.
constexpr int kThreads = 64;
constexpr int kWarps = kThreads / kWarpSize;
constexpr int kBlocksPerMultiprocessor = 16;
constexpr int kChunk = 4096;
constexpr int kWords = 16;              // of a block of SHA-256
constexpr int kRowStride = kWords + 4;  // loads of 16 bytes by neighbours are from different banks
constexpr unsigned kExponent = 0x7f800000u;

/// Between a word whose first byte is the lowest, as memory has it, and one whose first byte is the highest.
__device__ __forceinline__ unsigned swapped(unsigned word) { return __byte_perm(word, 0u, 0x0123u); }

__device__ __forceinline__ unsigned rotated(unsigned x, int bits) { return (x >> bits) | (x << (32 - bits)); }

/// The chain's next value (FIPS 180-4, 6.2.2). `words` are the block's; behind it, the last 16 of the schedule.
__device__ __forceinline__ void compress(unsigned (&words)[kWords], unsigned (&chain)[8]) {
  constexpr unsigned kRound[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  unsigned a = chain[0], b = chain[1], c = chain[2], d = chain[3];
  unsigned e = chain[4], f = chain[5], g = chain[6], h = chain[7];
#pragma unroll
  for (int round = 0; round < 64; ++round) {
    unsigned& word = words[round % kWords];
    if (round >= kWords) {
      const unsigned early = words[(round + 1) % kWords], late = words[(round + 14) % kWords];
      word += words[(round + 9) % kWords] + (rotated(early, 7) ^ rotated(early, 18) ^ (early >> 3)) +
              (rotated(late, 17) ^ rotated(late, 19) ^ (late >> 10));
    }
    const unsigned choice = (e & f) ^ (~e & g), majority = (a & b) ^ (a & c) ^ (b & c);
    const unsigned first = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + choice + kRound[round] + word;
    const unsigned second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + majority;
    h = g, g = f, f = e, e = d + first;
    d = c, c = b, b = a, a = first + second;
  }
  const unsigned added[8] = {a, b, c, d, e, f, g, h};
#pragma unroll
  for (int i = 0; i < 8; ++i) chain[i] += added[i];
}

/// Starts to copy a block of each of the warp's chunks; `from` is the first chunk's.
__device__ __forceinline__ void copy_block(float (&staged)[kWarpSize][kRowStride], const float* from, int num_rows) {
  constexpr int kQuads = kWords / 4, kRowsAtOnce = kWarpSize / kQuads;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
#pragma unroll
  for (int first = 0; first < kWarpSize; first += kRowsAtOnce) {
    const int row = first + lane / kQuads, column = lane % kQuads * 4;
    if (row < num_rows) copy16_later(&staged[row][column], from + row * kChunk + column);
  }
  commit_copies();
}

/// The words of a block as memory has them, `left` of them the message's: the others are padding (FIPS 180-4, 5.1.1),
/// but for the number of bits at the end.
__device__ __forceinline__ void load_block(const float (&row)[kRowStride], int left, unsigned (&words)[kWords]) {
#pragma unroll
  for (int i = 0; i < kWords; i += 4) {
    const float4 four = load4(row + i);
    words[i] = __float_as_uint(four.x), words[i + 1] = __float_as_uint(four.y);
    words[i + 2] = __float_as_uint(four.z), words[i + 3] = __float_as_uint(four.w);
  }
  if (left >= kWords) return;
#pragma unroll
  for (int i = 0; i < kWords; ++i) words[i] = i < left ? words[i] : i == left ? 0x80u : 0u;
}

__device__ __forceinline__ int greatest_of_threads(int x) {
  for (int distance = kWarpSize / 2; distance >= 1; distance /= 2) {
    const int other = __shfl_xor_sync(kWholeWarp, x, distance);
    x = other > x ? other : x;
  }
  return x;
}

__device__ __forceinline__ int num_blocks_of(int length) {
  return (length + 3 + kWords - 1) / kWords;  // 3 words: the bit behind the message, and the number of its bits
}

__global__ void __launch_bounds__(kThreads, kBlocksPerMultiprocessor)
    chunk_digests_kernel(Index num_chunks, const std::int32_t* lengths, const float* x, std::uint32_t* digests,
                         std::uint8_t* non_finite) {
  REPRISE_SHARED(float, staged_by_warp, [kWarps][kWarpSize][kRowStride]);
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize, lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const Index first_chunk = Index{blockIdx.x} * kThreads + warp * kWarpSize, chunk = first_chunk + lane;
  if (first_chunk >= num_chunks) return;  // the whole warp
  const int num_rows = num_chunks - first_chunk < kWarpSize ? static_cast<int>(num_chunks - first_chunk) : kWarpSize;
  const int length = lane < num_rows ? lengths[chunk] : 0;
  const int num_blocks = num_blocks_of(length);
  const int greatest_length = greatest_of_threads(length), most_blocks = num_blocks_of(greatest_length);

  float(&staged)[kWarpSize][kRowStride] = staged_by_warp[warp];
  const float* const from = x + first_chunk * kChunk;
  unsigned chain[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,  // 5.3.3
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  unsigned largest = 0;  // magnitude, as bits
  copy_block(staged, from, num_rows);
  for (int block = 0; block < most_blocks; ++block) {
    unsigned words[kWords];
    wait_for_copies<0>();
    __syncwarp();
    load_block(staged[lane], length - block * kWords, words);
    __syncwarp();  // the next copy is into what was read here
    const int next = (block + 1) * kWords;
    if (next < greatest_length) copy_block(staged, from + next, num_rows);
    if (block >= num_blocks) continue;
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      const unsigned magnitude = words[i] & 0x7fffffffu;
      largest = magnitude > largest ? magnitude : largest;
      words[i] = swapped(words[i]);
    }
    if (block == num_blocks - 1) words[kWords - 1] = static_cast<unsigned>(length) * 32u;  // bits
    compress(words, chain);
  }
  if (lane >= num_rows) return;
#pragma unroll
  for (int i = 0; i < 8; ++i) digests[chunk * 8 + i] = swapped(chain[i]);
  non_finite[chunk] = largest >= kExponent ? 1 : 0;
}

}  // namespace

void digest_chunks(Queue& queue, Index num_chunks, const std::int32_t* lengths, const float* x, std::uint32_t* digests,
                   std::uint8_t* non_finite) {
  launch(queue, chunk_digests_kernel, blocks_for(num_chunks, kThreads), kThreads, 0, num_chunks, lengths, x, digests,
         non_finite);
}

}  // namespace reprise::numerics::cuda
