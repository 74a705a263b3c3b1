#include "reprise/eval/scoring.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "reprise/core/error.h"

namespace reprise::eval {
namespace {

/// Inputs and targets of one batch, each row padded with input 0 and target -1 after its window.
struct PaddedBatch {
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> targets;
  std::size_t length = 0;
};

PaddedBatch pad(std::span<const TokenStream> streams, std::span<const Window> windows,
                std::span<const std::size_t> batch) {
  PaddedBatch padded;
  for (const std::size_t index : batch) padded.length = std::max(padded.length, windows[index].length);
  padded.inputs.assign(batch.size() * padded.length, 0);
  padded.targets.assign(batch.size() * padded.length, -1);
  for (std::size_t row = 0; row < batch.size(); ++row) {
    const Window& window = windows[batch[row]];
    const std::int32_t* tokens = streams[window.stream].data() + window.first;
    std::copy_n(tokens, window.length, padded.inputs.data() + row * padded.length);
    std::copy_n(tokens + 1, window.length, padded.targets.data() + row * padded.length);
  }
  return padded;
}

void store(std::span<const float> losses, std::size_t length, std::span<const Window> windows,
           std::span<const std::size_t> batch, std::vector<std::vector<float>>& all) {
  for (std::size_t row = 0; row < batch.size(); ++row) {
    const Window& window = windows[batch[row]];
    for (std::size_t i = 0; i < window.length; ++i) {
      const float loss = losses[row * length + i];
      REPRISE_REQUIRE(
          std::isfinite(loss), ErrorKind::kNumeric,
          fmt::format("the loss of token {} of stream {} is not finite: {}", window.first + i, window.stream, loss),
          "the checkpoint holds a model that diverged; look at `reprise log show`");
      all[window.stream][window.first + i] = loss;
    }
  }
}

}  // namespace

std::vector<Window> cut_windows(std::span<const TokenStream> streams, std::size_t window_length) {
  REPRISE_CHECK(window_length > 0);
  std::vector<Window> windows;
  for (std::size_t stream = 0; stream < streams.size(); ++stream) {
    const std::size_t num_targets = streams[stream].empty() ? 0 : streams[stream].size() - 1;
    for (std::size_t first = 0; first < num_targets; first += window_length) {
      windows.push_back({stream, first, std::min(window_length, num_targets - first)});
    }
  }
  return windows;
}

std::vector<std::vector<std::size_t>> plan_batches(std::span<const Window> windows, std::size_t max_tokens) {
  std::vector<std::size_t> order(windows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Longest first, so that the last tasks of the pool are small; equal lengths stay in order.
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return windows[a].length > windows[b].length; });
  std::vector<std::vector<std::size_t>> batches;
  for (std::size_t i = 0; i < order.size();) {
    const std::size_t length = windows[order[i]].length;
    const std::size_t rows = std::min(std::max<std::size_t>(1, max_tokens / length), order.size() - i);
    batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(i),
                         order.begin() + static_cast<std::ptrdiff_t>(i + rows));
    i += rows;
  }
  return batches;
}

std::vector<std::vector<float>> score_streams(const Scorer& scorer, std::span<const TokenStream> streams,
                                              std::size_t window_length, ThreadPool& pool, const OnScored& on_scored) {
  std::vector<std::vector<float>> losses(streams.size());
  for (std::size_t i = 0; i < streams.size(); ++i) losses[i].resize(streams[i].empty() ? 0 : streams[i].size() - 1);
  const std::vector<Window> windows = cut_windows(streams, window_length);
  const std::vector<std::vector<std::size_t>> batches = plan_batches(windows, scorer.batch_tokens());
  std::mutex mutex;
  pool.parallel_for(static_cast<std::int64_t>(batches.size()), [&](std::int64_t index) {
    const std::vector<std::size_t>& batch = batches[static_cast<std::size_t>(index)];
    const PaddedBatch padded = pad(streams, windows, batch);
    const std::vector<float> scored =
        scorer.score(padded.inputs, padded.targets, static_cast<std::int64_t>(batch.size()),
                     static_cast<std::int64_t>(padded.length));
    REPRISE_CHECK_EQ(scored.size(), padded.targets.size());
    store(scored, padded.length, windows, batch, losses);
    if (!on_scored) return;
    std::int64_t num_targets = 0;
    for (const std::size_t window : batch) num_targets += static_cast<std::int64_t>(windows[window].length);
    const std::lock_guard lock(mutex);
    on_scored(num_targets);
  });
  return losses;
}

std::int64_t count_targets(std::span<const TokenStream> streams) {
  std::int64_t count = 0;
  for (const TokenStream& stream : streams) count += stream.empty() ? 0 : static_cast<std::int64_t>(stream.size()) - 1;
  return count;
}

}  // namespace reprise::eval
