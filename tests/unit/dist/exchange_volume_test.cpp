// Bytes of one step, predicted and counted: the prediction is held against the trainer's own exchange, which moves
// data.

#include "reprise/dist/exchange_volume.h"

#include <gtest/gtest.h>

#include <cstring>
#include <mutex>

#include "reprise/core/tensor_layout.h"
#include "reprise/dist/local_group.h"
#include "slice_exchange.h"

namespace reprise::dist {
namespace {

/// Sums that a rank would have added, filled with what tells rank, subtree and element apart.
std::vector<TreeAdder::Partial> make_partials(const TensorLayout& layout, const std::vector<LeafRange>& nodes) {
  std::vector<TreeAdder::Partial> partials;
  for (const LeafRange& node : nodes) {
    GradientBuffer buffer = GradientMemory::create()->take(layout.num_elements());
    for (std::int64_t i = 0; i < layout.num_elements(); ++i) {
      buffer[static_cast<std::size_t>(i)] = static_cast<float>(node.begin * 1000 + i % 997);
    }
    partials.push_back({node, std::move(buffer)});
  }
  return partials;
}

/// Runs one exchange and one gather on every rank of a local group and returns what each has counted.
std::vector<std::uint64_t> counted_bytes(std::int64_t num_leaves, int num_ranks, const TensorLayout& layout) {
  std::vector<std::uint64_t> counted(static_cast<std::size_t>(num_ranks));
  run_local_group(num_ranks, [&](Communicator& communicator) {
    const ChunkRange whole{0, layout.num_chunks()};
    train::SliceExchange exchange(num_leaves, layout, {&whole, 1}, communicator);
    const LeafRange leaves = leaves_of_rank(num_leaves, communicator.rank(), num_ranks);
    const std::vector<TreeAdder::Partial> partials = make_partials(layout, maximal_subtrees(num_leaves, leaves));
    const std::span<float* const> sums = exchange.run(whole, partials);
    ASSERT_EQ(sums.size(), exchange.nodes().size());
    for (std::size_t i = 0; i < sums.size() && exchange.my_slice().size() > 0; ++i) {
      const std::int64_t first = exchange.my_slice().begin * kChunkElements;
      ASSERT_EQ(sums[i][5], static_cast<float>(exchange.nodes()[i].begin * 1000 + (first + 5) % 997));
    }
    std::vector<float> flat(static_cast<std::size_t>(layout.num_elements()), -1.0f);
    const ChunkRange mine = exchange.my_slice();
    std::fill(flat.begin() + mine.begin * kChunkElements, flat.begin() + mine.end * kChunkElements, 3.0f);
    exchange.gather_slices(flat);
    ASSERT_EQ(std::count(flat.begin(), flat.end(), 3.0f), layout.num_elements());
    counted[static_cast<std::size_t>(communicator.rank())] = communicator.bytes_sent();
  });
  return counted;
}

TEST(ExchangeVolumeTest, IsWhatTheExchangeCountsForUpToSixteenRanks) {
  for (const std::int64_t num_chunks : {1, 7, 24}) {
    const TensorLayout layout({TensorSpec{.name = "weights", .shape = {num_chunks * kChunkElements}}});
    ASSERT_EQ(layout.num_chunks(), num_chunks);
    for (const std::int64_t num_leaves : {8, 13, 64}) {
      for (int num_ranks = 1; num_ranks <= 16; ++num_ranks) {
        const ExchangeVolume volume = exchange_volume(num_leaves, num_ranks, num_chunks);
        const std::vector<std::uint64_t> counted = counted_bytes(num_leaves, num_ranks, layout);
        for (std::size_t rank = 0; rank < counted.size(); ++rank) {
          ASSERT_EQ(counted[rank], volume.ranks[rank].bytes_sent)
              << num_leaves << " grains, " << num_chunks << " chunks, rank " << rank << " of " << num_ranks;
        }
      }
    }
  }
}

TEST(ExchangeVolumeTest, ReceivesWhatIsSent) {
  for (const std::int64_t num_leaves : {8, 13, 48, 64, 100}) {
    for (int num_ranks = 1; num_ranks <= 64; ++num_ranks) {
      const ExchangeVolume volume = exchange_volume(num_leaves, num_ranks, 1000);
      std::uint64_t received = 0;
      for (const RankVolume& rank : volume.ranks) received += rank.bytes_received;
      ASSERT_EQ(received, volume.total_bytes_sent()) << num_leaves << " grains on " << num_ranks;
    }
  }
}

TEST(ExchangeVolumeTest, IsThatOfARingWhereRanksDivideTheTree) {
  for (const std::int64_t num_leaves : {8, 16, 64, 256}) {
    for (int num_ranks = 1; num_ranks <= 64 && num_ranks <= num_leaves; num_ranks *= 2) {
      const std::int64_t num_chunks = 64 * 5;  // whole chunks for every rank
      const ExchangeVolume volume = exchange_volume(num_leaves, num_ranks, num_chunks);
      EXPECT_EQ(volume.most_leaves(), num_leaves / num_ranks);
      for (const RankVolume& rank : volume.ranks) {
        EXPECT_EQ(rank.bytes_sent * static_cast<std::uint64_t>(num_ranks),
                  2 * static_cast<std::uint64_t>(num_ranks - 1) * volume.gradient_bytes);
      }
      EXPECT_EQ(volume.total_bytes_sent(), volume.ring_total_bytes());
    }
  }
}

TEST(ExchangeVolumeTest, DiffersFromTheRingByLessThanAChunkPerPairWhereSlicesAreUneven) {
  for (const std::int64_t num_chunks : {100, 101, 163}) {
    for (const int num_ranks : {2, 4, 8, 16, 32, 64}) {
      const ExchangeVolume volume = exchange_volume(64, num_ranks, num_chunks);
      EXPECT_EQ(volume.total_bytes_sent(), volume.ring_total_bytes());  // one rank's more is another's less
      const std::uint64_t slack = static_cast<std::uint64_t>(num_ranks - 1) * kChunkElements * sizeof(float);
      EXPECT_LE(volume.most_bytes_sent(), volume.ring_total_bytes() / static_cast<std::uint64_t>(num_ranks) + slack);
    }
  }
}

/// What the cuts are for, at 64 grains: docs/benchmarks.md, "Bytes moved".
TEST(ExchangeVolumeTest, StaysNearTheRingForWorldsThatDoNotDivideTheTree) {
  const std::int64_t num_chunks = 64 * 63 * 5;
  double sum = 0;
  for (const int num_ranks : {3, 5, 6, 7, 12}) {
    const ExchangeVolume volume = exchange_volume(64, num_ranks, num_chunks);
    EXPECT_LE(volume.average_over_ring(), num_ranks == 5 ? 1.71 : 1.5) << num_ranks;
    EXPECT_LE(volume.worst_over_ring(), 2.01) << num_ranks;
    EXPECT_LE(volume.most_leaves() * 8, volume.fair_leaves * 9) << num_ranks;
    sum += volume.average_over_ring();
  }
  EXPECT_LE(sum / 5, 1.5);
  for (int num_ranks = 1; num_ranks <= 64; ++num_ranks) {
    const ExchangeVolume volume = exchange_volume(64, num_ranks, num_chunks);
    EXPECT_LE(volume.average_over_ring(), 1.76) << num_ranks;
    EXPECT_LE(volume.worst_over_ring(), 2.5) << num_ranks;
  }
}

TEST(ExchangeVolumeTest, StaysWithinTwoAndAHalfRingsAtFullBalanceToo) {
  const ExchangeCost balance_only{.leaf = 1000, .gradient = 1};
  for (int num_ranks = 1; num_ranks <= 64; ++num_ranks) {
    const ExchangeVolume volume = exchange_volume(64, num_ranks, 64 * 63, balance_only);
    EXPECT_EQ(volume.most_leaves(), volume.fair_leaves);
    EXPECT_LE(volume.worst_over_ring(), 2.55) << num_ranks;
  }
}

}  // namespace
}  // namespace reprise::dist
