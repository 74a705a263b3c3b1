#include "reprise/dist/exchange_volume.h"

#include <algorithm>

#include "reprise/core/error.h"
#include "reprise/core/tensor_layout.h"

namespace reprise::dist {
namespace {

std::uint64_t bytes_of_chunks(std::int64_t num_chunks) {
  return static_cast<std::uint64_t>(num_chunks * kChunkElements) * sizeof(float);
}

}  // namespace

std::int64_t ExchangeVolume::most_leaves() const {
  std::int64_t most = 0;
  for (const RankVolume& rank : ranks) most = std::max(most, rank.leaves.size());
  return most;
}

std::uint64_t ExchangeVolume::most_bytes_sent() const {
  std::uint64_t most = 0;
  for (const RankVolume& rank : ranks) most = std::max(most, rank.bytes_sent);
  return most;
}

std::uint64_t ExchangeVolume::total_bytes_sent() const {
  std::uint64_t total = 0;
  for (const RankVolume& rank : ranks) total += rank.bytes_sent;
  return total;
}

std::uint64_t ExchangeVolume::ring_total_bytes() const { return 2 * (ranks.size() - 1) * gradient_bytes; }

double ExchangeVolume::average_over_ring() const {
  const std::uint64_t ring = ring_total_bytes();
  return ring == 0 ? 1.0 : static_cast<double>(total_bytes_sent()) / static_cast<double>(ring);
}

double ExchangeVolume::worst_over_ring() const {
  const std::uint64_t ring = ring_total_bytes();
  return ring == 0
             ? 1.0
             : static_cast<double>(most_bytes_sent()) * static_cast<double>(ranks.size()) / static_cast<double>(ring);
}

ExchangeVolume exchange_volume(std::int64_t num_leaves, int num_ranks, std::int64_t num_chunks,
                               const ExchangeCost& cost) {
  REPRISE_CHECK(num_chunks >= 0);
  ExchangeVolume volume;
  volume.gradient_bytes = bytes_of_chunks(num_chunks);
  volume.fair_leaves = (num_leaves + num_ranks - 1) / num_ranks;
  std::int64_t all_subtrees = 0;
  for (const LeafRange& leaves : leaves_of_ranks(num_leaves, num_ranks, cost)) {
    RankVolume rank;
    rank.leaves = leaves;
    rank.num_subtrees = static_cast<std::int64_t>(maximal_subtrees(num_leaves, leaves).size());
    all_subtrees += rank.num_subtrees;
    volume.ranks.push_back(rank);
  }
  for (int r = 0; r < num_ranks; ++r) {
    RankVolume& rank = volume.ranks[static_cast<std::size_t>(r)];
    const std::int64_t mine = chunk_slice(num_chunks, r, num_ranks).size();
    const std::int64_t others = num_chunks - mine;
    rank.bytes_sent = bytes_of_chunks(rank.num_subtrees * others + (num_ranks - 1) * mine);
    rank.bytes_received = bytes_of_chunks((all_subtrees - rank.num_subtrees) * mine + others);
  }
  return volume;
}

}  // namespace reprise::dist
