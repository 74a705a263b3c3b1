#pragma once
// What one step moves between ranks, counted without moving it: every rank sends the slices of its partial sums to
// their owners, and each owner its updated slice of the weights to everyone. Pure arithmetic; tests hold it against the
// bytes that the communicators count.

#include <cstdint>
#include <vector>

#include "reprise/dist/reduction_tree.h"

namespace reprise::dist {

struct RankVolume {
  LeafRange leaves;
  std::int64_t num_subtrees = 0;  // partial sums it sends
  std::uint64_t bytes_sent = 0;   // to other ranks: slices of partial sums, then its slice of the weights
  std::uint64_t bytes_received = 0;
};

struct ExchangeVolume {
  std::vector<RankVolume> ranks;
  std::uint64_t gradient_bytes = 0;  // of the whole buffer
  std::int64_t fair_leaves = 0;      // ceil(leaves / ranks)

  std::int64_t most_leaves() const;
  std::uint64_t most_bytes_sent() const;
  std::uint64_t total_bytes_sent() const;
  /// What a ring all-reduce of the same buffer sends, all ranks together: 2 (R - 1) times the buffer.
  std::uint64_t ring_total_bytes() const;
  /// Sent bytes over those of the ring, on average and of the rank that sends most. 1 for one rank, where both are 0.
  double average_over_ring() const;
  double worst_over_ring() const;
};

/// Returns the volume of one step with `num_leaves` grains and a buffer of `num_chunks` chunks of float32.
ExchangeVolume exchange_volume(std::int64_t num_leaves, int num_ranks, std::int64_t num_chunks,
                               const ExchangeCost& cost = {});

}  // namespace reprise::dist
