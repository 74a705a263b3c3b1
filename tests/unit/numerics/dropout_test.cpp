// Clause [C-39]: dropout.
#include "reprise/numerics/dropout.h"

#include <algorithm>
#include <cmath>

#include "kernel_test.h"
#include "reference/rows.h"
#include "reprise/core/error.h"

namespace reprise::numerics {
namespace {

using kernel_test::expect_same_bits;
using kernel_test::Floats;
using kernel_test::for_each_target;
using kernel_test::random_floats;
using kernel_test::to_be_overwritten;
using Index = std::int64_t;
using Samples = std::vector<std::uint64_t>;
constexpr std::uint64_t kSeed = 0x123456789abcdef0u;

Floats dropped(const DropoutRule& rule, const Samples& samples, const Floats& x) {
  Floats y = to_be_overwritten(x.size());
  const auto num_sequences = static_cast<Index>(samples.size());
  dropout(num_sequences, static_cast<Index>(x.size()) / num_sequences, rule, samples.data(), x.data(), y.data());
  return y;
}

TEST(Dropout, EqualsTheReferenceBitForBit) {
  const std::uint32_t layer = 5, place = 4;
  const Samples samples = {0, 7, 0xffffffffffffu, 0x100000000u};
  for (const Index count : {1, 31, 33, 127, 128, 129, 257, 1009, 5000}) {
    for (const double rate : {0.0, 0.1, 0.5, 0.999}) {
      const Floats x = random_floats(1, 4 * count);
      Floats expected;
      for (std::size_t s = 0; s < samples.size(); ++s) {
        const Floats row(x.begin() + static_cast<Index>(s) * count, x.begin() + static_cast<Index>(s + 1) * count);
        const Floats y = reference::dropout(kSeed, layer, place, samples[s], rate, row);
        expected.insert(expected.end(), y.begin(), y.end());
      }
      const DropoutRule rule = dropout_rule(kSeed, dropout_site(layer, DropoutPlace::kFeedForwardOutput), rate);
      for_each_target([&] {
        expect_same_bits(dropped(rule, samples, x), expected, "y");
        Floats in_place = x;
        dropout(4, count, rule, samples.data(), in_place.data(), in_place.data());
        expect_same_bits(in_place, expected, "in place");
      });
    }
  }
}

TEST(Dropout, TheMaskIsThatOfAnotherProgram) {
  struct Known {
    std::uint64_t sample;
    double rate;
    std::uint32_t kept[5];  // 32 elements each, the first one lowest; made by tests/peers/dropout_mask.py
  };
  const Known known[] = {
      {0, 0.1, {0xf5ffffffu, 0xffffffffu, 0xfbbfffebu, 0xbddbddf5u, 0xdf5ff9dau}},
      {123456789012345u, 0.5, {0x86436185u, 0x7e5e35eeu, 0x7ede38d9u, 0x29f65a04u, 0x6f7bf401u}},
  };
  for (const Known& k : known) {
    const DropoutRule rule = dropout_rule(kSeed, dropout_site(11, DropoutPlace::kAttentionOutput), k.rate);
    for_each_target([&] {
      const Floats y = dropped(rule, {k.sample}, Floats(160, 1.0f));
      for (std::size_t e = 0; e < y.size(); ++e) EXPECT_EQ(y[e] != 0.0f, (k.kept[e / 32] >> e % 32 & 1) != 0) << e;
    });
  }
}

TEST(Dropout, BatchesDoNotMatterForSamplesDo) {
  const DropoutRule rule = dropout_rule(kSeed, dropout_site(1, DropoutPlace::kAttentionOutput), 0.3);
  const Floats x(600, 1.0f);
  const Floats together = dropped(rule, {10, 11, 12}, Floats(1800, 1.0f));
  const Floats reversed = dropped(rule, {12, 11, 10}, Floats(1800, 1.0f));
  for (std::size_t s = 0; s < 3; ++s) {
    const auto part = [&](const Floats& all, std::size_t at) {
      return Floats(all.begin() + static_cast<Index>(at * 600), all.begin() + static_cast<Index>(at * 600 + 600));
    };
    const Floats alone = dropped(rule, {10 + s}, x);
    expect_same_bits(part(together, s), alone, "in a batch");
    expect_same_bits(part(reversed, 2 - s), alone, "in another batch");
  }
}

TEST(Dropout, TheFirstElementsOfALongerSequenceAreThoseOfAShorterOne) {
  const DropoutRule rule = dropout_rule(kSeed, 9, 0.5);
  const Floats x = random_floats(2, 300);
  Floats longer = dropped(rule, {77}, x);
  longer.resize(131);
  expect_same_bits(dropped(rule, {77}, Floats(x.begin(), x.begin() + 131)), longer, "prefix");
}

TEST(Dropout, SeedSiteAndSampleEachGiveAnotherMask) {
  const Floats x(4096, 1.0f);
  const std::vector<Floats> masks = {dropped(dropout_rule(1, 8, 0.5), {3}, x),
                                     dropped(dropout_rule(2, 8, 0.5), {3}, x),
                                     dropped(dropout_rule(std::uint64_t{1} << 32 | 1, 8, 0.5), {3}, x),
                                     dropped(dropout_rule(1, 9, 0.5), {3}, x),
                                     dropped(dropout_rule(1, 8, 0.5), {4}, x),
                                     dropped(dropout_rule(1, 8, 0.5), {std::uint64_t{1} << 32 | 3}, x)};
  for (std::size_t i = 0; i < masks.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      int different = 0;
      for (std::size_t e = 0; e < x.size(); ++e) different += masks[i][e] != masks[j][e] ? 1 : 0;
      EXPECT_NEAR(different, 2048, 6 * 32) << i << ", " << j;  // six deviations of independent coins
    }
  }
}

TEST(Dropout, DropsTheShareAskedForAndKeepsTheMean) {
  const Floats x(1 << 20, 1.0f);
  for (const double rate : {0.01, 0.1, 0.5, 0.9}) {
    const Floats y = dropped(dropout_rule(kSeed, 8, rate), {1}, x);
    const double share = static_cast<double>(std::count(y.begin(), y.end(), 0.0f)) / 0x1p20;
    EXPECT_NEAR(share, rate, 6 * std::sqrt(rate * (1 - rate) / 0x1p20));
    for (const float value : y) {
      ASSERT_TRUE(value == 0.0f || value == static_cast<float>(1.0 / (1.0 - rate))) << value;
    }
  }
}

TEST(Dropout, ADroppedElementIsZeroWhateverItWas) {
  Floats x(64, -std::numeric_limits<float>::infinity());
  for_each_target([&] {
    int num_zero = 0;
    for (const float y : dropped(dropout_rule(kSeed, 8, 0.5), {1}, x)) {
      EXPECT_TRUE(y < 0.0f || !std::signbit(y)) << "-0";
      EXPECT_FALSE(std::isnan(y));
      num_zero += y == 0.0f ? 1 : 0;
    }
    EXPECT_GT(num_zero, 10);
  });
}

TEST(Dropout, BackwardOfOnesIsTheFactorOfEachElement) {
  // dx is the same function of dy, so the derivative of each y by its x is that function at 1.
  const DropoutRule rule = dropout_rule(kSeed, 8, 0.25);
  const Floats x = random_floats(3, 500);
  const Floats y = dropped(rule, {6}, x), slope = dropped(rule, {6}, Floats(500, 1.0f));
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], x[i] * slope[i]) << i;
}

TEST(Dropout, ARateThatKeepsNothingIsAConfigError) {
  for (const double rate : {-0.1, 1.0, 1.0 - 0x1p-34, 2.0, std::nan("")}) {
    try {
      dropout_rule(kSeed, 8, rate);
      FAIL() << "no error for " << rate;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    }
  }
  EXPECT_THROW(dropout_site(8192, DropoutPlace::kEmbedding), Error);
  EXPECT_EQ(dropout_site(8191, DropoutPlace::kFeedForwardOutput), 65532u);
}

TEST(Dropout, AnOrdinalThatTheCounterCannotHoldIsAnInternalError) {
  EXPECT_THROW(dropped(dropout_rule(kSeed, 8, 0.5), {std::uint64_t{1} << 48}, Floats(4)), Error);
}

}  // namespace
}  // namespace reprise::numerics
