#include "interleaving.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "stage_counts.h"

namespace reprise::data {
namespace {

using ::testing::ElementsAre;
using Counts = std::vector<std::uint64_t>;

std::vector<std::size_t> parts_of(const Counts& counts) {
  const Interleaving interleaving(counts);
  std::vector<std::size_t> parts;
  for (std::uint64_t i = 0; i < interleaving.size(); ++i) parts.push_back(interleaving.at(i).part);
  return parts;
}

std::vector<Counts> many_counts() {
  std::vector<Counts> all = {{1}, {7}, {0, 3}, {3, 0}, {1, 1}, {1, 99}, {99, 1}, {0, 5, 0, 5, 0}, {1, 1, 1, 1, 1}};
  std::mt19937_64 random(8);
  for (int k = 0; k < 200; ++k) {
    Counts counts(1 + random() % 6);
    for (std::uint64_t& count : counts) count = random() % 3 == 0 ? random() % 4 : random() % 200;
    counts[random() % counts.size()] += 1;
    all.push_back(counts);
  }
  return all;
}

TEST(Interleaving, SpreadsPartsEvenlyAndCentred) {
  EXPECT_THAT(parts_of({2, 2}), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(parts_of({1, 4}), ElementsAre(1, 1, 0, 1, 1));
  EXPECT_THAT(parts_of({3, 6}), ElementsAre(1, 0, 1, 1, 0, 1, 1, 0, 1));
  EXPECT_THAT(parts_of({2, 1, 3}), ElementsAre(2, 0, 1, 2, 0, 2));
}

TEST(Interleaving, GivesEachPartItsCountInAscendingRanks) {
  for (const Counts& counts : many_counts()) {
    const Interleaving interleaving(counts);
    Counts found(counts.size());
    for (std::uint64_t i = 0; i < interleaving.size(); ++i) {
      const Interleaving::Place place = interleaving.at(i);
      ASSERT_EQ(place.rank, found[place.part]);
      ++found[place.part];
    }
    ASSERT_EQ(found, counts);
  }
}

TEST(Interleaving, FindsThePlaceOfEveryRank) {
  for (const Counts& counts : many_counts()) {
    const Interleaving interleaving(counts);
    for (std::uint64_t i = 0; i < interleaving.size(); ++i) {
      const Interleaving::Place place = interleaving.at(i);
      ASSERT_EQ(interleaving.position(place.part, place.rank), i);
    }
  }
}

TEST(Interleaving, KeepsEveryPrefixCloseToTheShares) {
  for (const Counts& counts : many_counts()) {
    const Interleaving interleaving(counts);
    std::vector<double> found(counts.size());
    const auto total = static_cast<double>(interleaving.size());
    for (std::uint64_t i = 0; i < interleaving.size(); ++i) {
      ++found[interleaving.at(i).part];
      for (std::size_t part = 0; part < counts.size(); ++part) {
        const double even = static_cast<double>(i + 1) * static_cast<double>(counts[part]) / total;
        ASSERT_LE(std::abs(found[part] - even), 0.5 * static_cast<double>(part + 1) + 1e-9);
      }
    }
  }
}

TEST(Interleaving, HoldsAtTheLargestRuns) {
  const std::uint64_t whole = std::uint64_t{1} << 58;
  const Counts counts = {whole / 3, 5, whole - 7, 1};
  const Interleaving interleaving(counts);
  for (std::uint64_t i : {std::uint64_t{0}, whole / 2 + 1, whole, whole + whole / 3 - 3, interleaving.size() - 1}) {
    const Interleaving::Place place = interleaving.at(i);
    EXPECT_LT(place.rank, counts[place.part]);
    EXPECT_EQ(interleaving.position(place.part, place.rank), i);
  }
}

TEST(Divide, GivesTheGreatestRemaindersTheRestAndTiesToTheFirst) {
  EXPECT_THAT(divide(10, Counts{1, 1, 1}), ElementsAre(4, 3, 3));
  EXPECT_THAT(divide(11, Counts{1, 1, 1}), ElementsAre(4, 4, 3));
  EXPECT_THAT(divide(10, Counts{0, 5, 15}), ElementsAre(0, 3, 7));
  EXPECT_THAT(divide(7, Counts{1, 2, 4}), ElementsAre(1, 2, 4));
  EXPECT_THAT(divide(0, Counts{1, 2}), ElementsAre(0, 0));
}

TEST(RoundedProduct, RoundsHalvesUp) {
  EXPECT_EQ(rounded_product(0.5, 3), 2u);
  EXPECT_EQ(rounded_product(1.5, 40), 60u);
  EXPECT_EQ(rounded_product(0.1, 4), 0u);
}

}  // namespace
}  // namespace reprise::data
