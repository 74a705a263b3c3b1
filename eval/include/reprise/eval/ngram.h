#pragma once
// Interpolated modified Kneser-Ney token n-gram model (Chen and Goodman 1999): a baseline, outside every root.
// Immutable after building; thread-safe.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "reprise/eval/scoring.h"

namespace reprise::eval {

class NgramModel {
 public:
  /// Longest order: a token has 16 bits and a key 128.
  static constexpr int kMaxOrder = 8;

  /// Counts the streams (context token first, as in scoring.h). In front of a stream stands its first token, order - 1
  /// times in all, so that every n-gram has the full order. Tokens are below `vocab_size` <= 65536.
  NgramModel(std::span<const TokenStream> streams, int order, std::uint32_t vocab_size);

  /// Sum of -ln p over tokens 1, 2, ... of one stream, in order.
  double nll_nats(const TokenStream& stream) const;

  /// p(token | context); only the last order - 1 tokens of the context count, missing ones repeat its first.
  double probability(std::span<const std::int32_t> context, std::int32_t token) const;

 private:
  __extension__ using Key = unsigned __int128;

  /// The n-grams of one order, sorted, with running sums for the statistics of any context.
  struct Level {
    std::vector<Key> keys;
    std::vector<std::uint32_t> counts;
    std::vector<std::uint64_t> total;               // counts before entry i
    std::array<std::vector<std::uint32_t>, 2> few;  // entries before i that were counted once, twice
    std::array<double, 4> discount{};               // by count; [3] is for three and more
  };

  static Level count_level(std::vector<Key> sorted_keys);
  static void set_discounts(Level& level);
  double interpolate(const Level& level, Key context_key, std::int32_t token, double lower) const;
  double probability_of(Key key) const;

  int order_;
  double uniform_;
  std::vector<Level> levels_;  // levels_[k - 1]: order k
};

}  // namespace reprise::eval
