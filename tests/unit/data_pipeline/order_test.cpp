#include <gmock/gmock.h>

#include <span>

#include "reprise/core/error.h"
#include "reprise/data_pipeline/shards.h"

namespace reprise::data {
namespace {

using ::testing::ElementsAreArray;

struct KnownOrder {
  std::uint64_t seed;
  std::uint64_t num_sequences;
  std::uint64_t first_sample;
  std::vector<std::uint64_t> sequences;
};

// Made by tests/peers/sample_order.py.
TEST(SampleOrder, GivesTheKnownAnswers) {
  const std::vector<KnownOrder> known = {
      {0u, 1u, 0u, {0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u}},
      {1u, 2u, 0u, {1u, 0u, 1u, 0u, 0u, 1u, 0u, 1u}},
      {7u, 10u, 0u, {1u, 4u, 3u, 6u, 0u, 9u, 2u, 7u}},
      {7u, 10u, 10u, {3u, 8u, 2u, 9u, 4u, 7u, 6u, 5u}},
      {42u, 1000u, 0u, {868u, 972u, 887u, 49u, 962u, 800u, 536u, 651u}},
      {9223372036854775813u, 4096u, 8192u, {3053u, 2130u, 764u, 2974u, 3078u, 467u, 2153u, 1849u}},
      {3u,
       1099511627777u,
       5u,
       {1013363787751u, 754812579557u, 738272700902u, 141409972413u, 524574355459u, 866855943852u, 662241223798u,
        1025677086087u}},
      {9u,
       9223372036854775808u,
       9223372036854775804u,
       {6039366293674819998u, 2110283668520668815u, 5510867148492679681u, 7225340887368196565u, 1610455384013745262u,
        3115999934720413275u, 269286595598375153u, 8180934408891570248u}},
  };
  for (const KnownOrder& order : known) {
    std::vector<std::uint64_t> found;
    for (std::uint64_t k = 0; k < order.sequences.size(); ++k) {
      found.push_back(SampleOrder(order.seed, order.num_sequences).sequence_at(order.first_sample + k));
    }
    EXPECT_THAT(found, ElementsAreArray(order.sequences)) << "seed " << order.seed;
  }
}

// Made by tests/peers/sample_order.py.
TEST(SampleOrder, GivesTheKnownDigestOfTwoEpochs) {
  const SampleOrder order(20, 9001);
  std::vector<std::uint64_t> sequences;
  for (std::uint64_t k = 0; k < 2 * 9001; ++k) sequences.push_back(order.sequence_at(k));
  EXPECT_EQ(sha256(as_byte_span(std::span<const std::uint64_t>(sequences))).hex(),
            "08f92c257acafb210ae0118a8a93359b434adba250b0fc59a6e17bbf94b3836b");
}

TEST(SampleOrder, ReadsEverySequenceOncePerEpochAndKnowsWhen) {
  for (const std::uint64_t size : {1u,   2u,   3u,   4u,   5u,    15u,   16u,   17u,   63u,   64u,  65u,
                                   100u, 255u, 256u, 257u, 1000u, 1023u, 1024u, 1025u, 4095u, 4097u}) {
    const SampleOrder order(size * 31, size);
    for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
      std::vector<int> reads(size);
      for (std::uint64_t k = epoch * size; k < (epoch + 1) * size; ++k) {
        const std::uint64_t sequence = order.sequence_at(k);
        ASSERT_LT(sequence, size);
        ++reads[sequence];
        ASSERT_EQ(order.sample_of(sequence, epoch), k) << "of " << size;
      }
      ASSERT_THAT(reads, ::testing::Each(1)) << size;
    }
  }
}

TEST(SampleOrder, ChangesWithSeedAndEpoch) {
  const auto epoch_of = [](std::uint64_t seed, std::uint64_t epoch) {
    std::vector<std::uint64_t> sequences;
    for (std::uint64_t k = 0; k < 500; ++k) sequences.push_back(SampleOrder(seed, 500).sequence_at(epoch * 500 + k));
    return sequences;
  };
  EXPECT_NE(epoch_of(1, 0), epoch_of(2, 0));
  EXPECT_NE(epoch_of(1, 0), epoch_of(1, 1));
  EXPECT_NE(epoch_of(1, 0), epoch_of(1 + (std::uint64_t{1} << 32), 0));
}

// Which two of 50 sequences are read first, in 100,000 epochs: chi-square over 2450 pairs has mean 2449 and deviation
// 70; a real shuffle is above 2870 about once in 10^8.
TEST(SampleOrder, ReadsEveryPairOfSequencesFirstEquallyOften) {
  constexpr std::uint64_t kSize = 50;
  constexpr std::uint64_t kEpochs = 100000;
  const SampleOrder order(77, kSize);
  std::vector<double> counts(kSize * kSize);
  for (std::uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    ++counts[order.sequence_at(epoch * kSize) * kSize + order.sequence_at(epoch * kSize + 1)];
  }
  constexpr double kExpected = static_cast<double>(kEpochs) / (kSize * (kSize - 1));
  double chi_square = 0;
  for (std::uint64_t cell = 0; cell < counts.size(); ++cell) {
    if (cell / kSize == cell % kSize) continue;
    chi_square += (counts[cell] - kExpected) * (counts[cell] - kExpected) / kExpected;
  }
  EXPECT_LT(chi_square, 2870);
}

TEST(SampleOrder, RefusesAnEmptySet) {
  try {
    SampleOrder order(1, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
  }
}

}  // namespace
}  // namespace reprise::data
