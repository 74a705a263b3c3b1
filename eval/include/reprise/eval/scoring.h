#pragma once
// Cross-entropies of token streams: cut into windows, batched by length, scored on threads. The losses of a stream do
// not depend on the threads, on the batches or on what else is scored (docs/numeric_contract.md: padding never enters).

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "reprise/core/thread_pool.h"

namespace reprise::eval {

/// Whatever gives cross-entropies: a checkpoint's decoder, or a table in a test. Thread-safe.
class Scorer {
 public:
  virtual ~Scorer() = default;
  /// Returns the cross-entropy in nats of each target, sequence by sequence; 0 where the target is negative.
  virtual std::vector<float> score(std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                                   std::int64_t num_sequences, std::int64_t length) const = 0;
  /// Positions that a call should have, where one sequence has no more. No loss depends on it.
  virtual std::size_t batch_tokens() const { return 1024; }
};

/// Tokens to be scored; the first is context alone, each later one is a target.
using TokenStream = std::vector<std::int32_t>;

/// A stretch of one stream that enters the model as one sequence: inputs [first, first + length) and targets one
/// further. Position 0 of the model is input `first`.
struct Window {
  std::size_t stream = 0;
  std::size_t first = 0;
  std::size_t length = 0;
  bool operator==(const Window&) const = default;
};

/// Cuts every stream into windows of at most `window_length` targets, without overlap, in stream order.
std::vector<Window> cut_windows(std::span<const TokenStream> streams, std::size_t window_length);

/// Groups windows of similar length: the result holds indices into `windows`, and no batch, padded to its longest
/// window, has more than `max_tokens` positions unless it is one window alone.
std::vector<std::vector<std::size_t>> plan_batches(std::span<const Window> windows, std::size_t max_tokens);

/// Told how many more targets have been scored, from one thread at a time.
using OnScored = std::function<void(std::int64_t num_targets)>;

/// Returns for each stream the cross-entropies of its tokens 1, 2, ... Throws kNumeric when one is not finite.
std::vector<std::vector<float>> score_streams(const Scorer& scorer, std::span<const TokenStream> streams,
                                              std::size_t window_length, ThreadPool& pool,
                                              const OnScored& on_scored = {});

/// Number of targets in all streams.
std::int64_t count_targets(std::span<const TokenStream> streams);

}  // namespace reprise::eval
