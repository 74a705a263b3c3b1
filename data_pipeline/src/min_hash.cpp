#include "min_hash.h"

#include <algorithm>

#include "folded_words.h"

namespace reprise::data {
namespace {

constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15;
constexpr std::size_t kBlock = 2048;  // shingles that stay in the first cache while all hashes pass over them

/// The i-th value of SplitMix64 from `seed` (Steele, Lea and Flood 2014, with the finaliser of mix_bits).
std::uint64_t random_value(std::uint64_t seed, std::uint64_t i) { return mix_bits(seed + (i + 1) * kGoldenRatio); }

/// The smallest (value * multiplier) ^ flip of a block, starting from `least`. Compiled for more than one target:
/// integers give the same result on each.
__attribute__((always_inline)) inline std::uint32_t block_minimum(const std::uint32_t* values, std::size_t count,
                                                                  std::uint32_t multiplier, std::uint32_t flip,
                                                                  std::uint32_t least) {
  for (std::size_t i = 0; i < count; ++i) least = std::min(least, (values[i] * multiplier) ^ flip);
  return least;
}

struct Functions {
  const std::uint32_t* multipliers;
  const std::uint32_t* flips;
  std::size_t count;
};

void block_minima_portable(const std::uint32_t* values, std::size_t count, const Functions& f, std::uint32_t* minima) {
  for (std::size_t j = 0; j < f.count; ++j) {
    minima[j] = block_minimum(values, count, f.multipliers[j], f.flips[j], minima[j]);
  }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void block_minima_avx2(const std::uint32_t* values, std::size_t count,
                                                       const Functions& f, std::uint32_t* minima) {
  for (std::size_t j = 0; j < f.count; ++j) {
    minima[j] = block_minimum(values, count, f.multipliers[j], f.flips[j], minima[j]);
  }
}

using BlockMinima = void (*)(const std::uint32_t*, std::size_t, const Functions&, std::uint32_t*);
BlockMinima choose_block_minima() {
  return __builtin_cpu_supports("avx2") != 0 ? block_minima_avx2 : block_minima_portable;
}
#else
using BlockMinima = void (*)(const std::uint32_t*, std::size_t, const Functions&, std::uint32_t*);
BlockMinima choose_block_minima() { return block_minima_portable; }
#endif

}  // namespace

void find_minima(std::span<const std::uint32_t> values, std::span<const std::uint32_t> multipliers,
                 std::span<const std::uint32_t> flips, std::span<std::uint32_t> minima) {
  static const BlockMinima kBlockMinima = choose_block_minima();
  std::fill(minima.begin(), minima.end(), 0xFFFFFFFFu);
  const Functions functions{multipliers.data(), flips.data(), minima.size()};
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    kBlockMinima(values.data() + begin, std::min(kBlock, values.size() - begin), functions, minima.data());
  }
}

MinHasher::MinHasher(const MinHashSetting& setting) : setting_(setting) {
  const std::size_t count = std::size_t{setting.buckets} * setting.hashes_per_bucket;
  for (std::size_t j = 0; j < count; ++j) {
    const std::uint64_t value = random_value(setting.seed, j);
    multipliers_.push_back(static_cast<std::uint32_t>(value >> 32) | 1);
    flips_.push_back(static_cast<std::uint32_t>(value));
  }
}

std::vector<std::uint32_t> MinHasher::signature(std::string_view text) const {
  thread_local std::vector<std::uint64_t> words;
  thread_local std::vector<std::uint64_t> shingles;
  thread_local std::vector<std::uint32_t> values;
  hash_words(text, words);
  if (words.empty()) return {};
  hash_ngrams(words, std::min<std::size_t>(setting_.ngram, words.size()), shingles);
  values.resize(shingles.size());
  for (std::size_t i = 0; i < shingles.size(); ++i) values[i] = static_cast<std::uint32_t>(shingles[i] >> 32);
  return signature_of_values(values);
}

std::vector<std::uint32_t> MinHasher::signature_of_values(std::span<const std::uint32_t> values) const {
  std::vector<std::uint32_t> minima(num_hashes());
  find_minima(values, multipliers_, flips_, minima);
  return minima;
}

BucketKey MinHasher::bucket_key(std::span<const std::uint32_t> signature, std::size_t bucket) const {
  BucketKey key{mix_bits(bucket), mix_bits(bucket ^ kGoldenRatio)};
  for (const std::uint32_t value : signature.subspan(bucket * setting_.hashes_per_bucket, setting_.hashes_per_bucket)) {
    key.high = mix_bits(key.high ^ value);
    key.low = mix_bits(key.low + value);
  }
  return key;
}

double estimated_similarity(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
  std::uint64_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

}  // namespace reprise::data
