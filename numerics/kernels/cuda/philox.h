#pragma once
// Philox4x32-10 [C-24] in one thread of a GPU; core's philox.h is the same for the host.

#include "language.h"

namespace reprise::numerics::cuda {

struct RandomWords {
  std::uint32_t words[4];
};

__device__ __forceinline__ RandomWords philox4x32_10(RandomWords counter, std::uint32_t key0, std::uint32_t key1) {
  constexpr std::uint32_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  std::uint32_t* const c = counter.words;
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const std::uint32_t high0 = __umulhi(kMultiplier0, c[0]), low0 = kMultiplier0 * c[0];
    const std::uint32_t high1 = __umulhi(kMultiplier1, c[2]), low1 = kMultiplier1 * c[2];
    counter = {{high1 ^ c[1] ^ key0, low1, high0 ^ c[3] ^ key1, low0}};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return counter;
}

}  // namespace reprise::numerics::cuda
