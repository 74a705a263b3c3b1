#pragma once
// The two tasks of the root, each prepared once and scored for every checkpoint. Immutable; thread-safe.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/eval/evaluate.h"
#include "reprise/eval/scoring.h"
#include "reprise/eval/suite.h"

namespace reprise::eval {

/// Held-out documents as streams: end_of_text, the document's tokens, end_of_text.
class HeldOutTask {
 public:
  /// `tokens` is what the spans of `documents` point into.
  HeldOutTask(std::span<const std::uint16_t> tokens, std::vector<data::DocumentSpan> documents,
              std::int32_t end_of_text);

  const std::vector<TokenStream>& streams() const { return streams_; }
  std::int64_t num_targets() const { return count_targets(streams_); }

  /// Scores all documents. "all" first, then the languages by name.
  std::vector<HeldOutGroup> score(const Scorer& scorer, std::size_t window_length, ThreadPool& pool,
                                  const OnScored& on_scored = {}) const;

 private:
  std::vector<data::DocumentSpan> documents_;
  std::vector<TokenStream> streams_;
};

/// Returns the ids of a text.
using Encoder = std::function<std::vector<std::int32_t>(std::string_view)>;

/// Minimal pairs as streams: end_of_text, then the tokens of " " + sentence.
class PairTask {
 public:
  PairTask(std::span<const MinimalPair> pairs, const Encoder& encode, std::int32_t end_of_text);

  std::int64_t num_targets() const { return count_targets(streams_); }

  /// Scores all pairs; a pair is correct when the sum of the good sentence's log-likelihoods, binary64 in token order,
  /// is the higher one. "all" first, then the phenomena by name.
  std::vector<PairGroup> score(const Scorer& scorer, std::size_t window_length, ThreadPool& pool,
                               const OnScored& on_scored = {}) const;

 private:
  std::vector<std::string> phenomena_;  // of each pair
  std::vector<TokenStream> streams_;    // good and bad of each pair in turn
};

}  // namespace reprise::eval
