#pragma once
// MinHash signatures of documents (Broder 1997) and their buckets (docs/reference/deduplication.md). Immutable and
// thread-safe.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "reprise/data_pipeline/deduplication.h"

namespace reprise::data {

/// 128 bits that stand for all hashes of one bucket.
struct BucketKey {
  std::uint64_t high;
  std::uint64_t low;
};

class MinHasher {
 public:
  explicit MinHasher(const MinHashSetting& setting);

  std::size_t num_hashes() const { return multipliers_.size(); }
  std::size_t num_buckets() const { return setting_.buckets; }

  /// Returns num_hashes() minima, or nothing for a text without a word. A text with fewer words than an n-gram has one
  /// shingle: all its words.
  std::vector<std::uint32_t> signature(std::string_view text) const;

  /// The minima over shingles given by 32 bits each; `values` must not be empty.
  std::vector<std::uint32_t> signature_of_values(std::span<const std::uint32_t> values) const;

  BucketKey bucket_key(std::span<const std::uint32_t> signature, std::size_t bucket) const;

 private:
  MinHashSetting setting_;
  std::vector<std::uint32_t> multipliers_;  // odd
  std::vector<std::uint32_t> flips_;
};

/// Sets minima[j] to the smallest (values[i] * multipliers[j]) ^ flips[j]. `values` must not be empty.
void find_minima(std::span<const std::uint32_t> values, std::span<const std::uint32_t> multipliers,
                 std::span<const std::uint32_t> flips, std::span<std::uint32_t> minima);

/// The share of equal hashes: an estimate of the Jaccard similarity of the two sets of shingles.
double estimated_similarity(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b);

}  // namespace reprise::data
