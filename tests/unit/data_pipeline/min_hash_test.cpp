// Word normalisation, shingles and signatures.

#include "min_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "folded_words.h"

namespace reprise::data {
namespace {

TEST(FoldedWords, LowerCaseWithoutAccentsPunctuationAndNumbers) {
  EXPECT_EQ(fold_words("  Hello,\tWORLD!\n"), "hello world");
  EXPECT_EQ(fold_words("na\u00efve CAF\u00c9 cafe\u0301"), "naive cafe cafe");
  EXPECT_EQ(fold_words("it's co-op \u201cx\u201d a=b"), "it s co op x a b");
  EXPECT_EQ(fold_words("***"), "");
  EXPECT_EQ(fold_words(""), "");
}

TEST(FoldedWords, ANumberIsZeroWhateverItsDigitsAndOneSeparator) {
  EXPECT_EQ(fold_words("1 12 3.14 1,000 1,000,000 7."), "0 0 0 0 0 0 0");
  EXPECT_EQ(fold_words("abc12def \u0663\u0664"), "abc0def 0");
  EXPECT_EQ(fold_words("3.x"), "0 x");
}

TEST(FoldedWords, BothNormalFormsOfHangulAndBothSigmasAreOne) {
  EXPECT_EQ(fold_words("\ud55c\uae00"), fold_words("\u1112\u1161\u11ab\u1100\u1173\u11af"));
  EXPECT_EQ(fold_words("\u039f\u0394\u039f\u03a3"), fold_words("\u03bf\u03b4\u03bf\u03c2"));
}

TEST(FoldedWords, LettersOfScriptsWithoutSpacesAreWords) {
  EXPECT_EQ(fold_words("\u4e2d\u6587abc"), "\u4e2d \u6587 abc");
  EXPECT_EQ(fold_words("\u304b\u306a"), "\u304b \u306a");
}

TEST(FoldedWords, HashesAreThoseOfTheFoldedText) {
  std::vector<std::uint64_t> a;
  std::vector<std::uint64_t> b;
  const std::string text = "An \u00c9t\u00e9 of 1,234 \u0958\u09cb words; \u4e2d\u6587 -- and \ud55c.";
  hash_words(text, a);
  hash_words(fold_words(text), b);
  EXPECT_EQ(a, b);
  const std::string folded = fold_words(text);
  EXPECT_EQ(a.size(), static_cast<std::size_t>(std::count(folded.begin(), folded.end(), ' ')) + 1);
}

TEST(FoldedWords, AnNgramHashDependsOnItsWordsAndTheirOrderAlone) {
  const std::vector<std::uint64_t> words = {5, 6, 7, 5, 6, 7, 6, 5};
  std::vector<std::uint64_t> ngrams;
  hash_ngrams(words, 3, ngrams);
  ASSERT_EQ(ngrams.size(), 6u);
  EXPECT_EQ(ngrams[0], ngrams[3]);
  for (std::size_t i = 1; i < ngrams.size(); ++i) EXPECT_TRUE(i == 3 || ngrams[i] != ngrams[0]) << i;
  hash_ngrams(words, 9, ngrams);
  EXPECT_TRUE(ngrams.empty());
}

TEST(MinHash, MinimaAreThoseOfTheDefinition) {
  std::mt19937 random(1);
  for (const std::size_t count : {1u, 7u, 8u, 9u, 2047u, 2048u, 2049u, 5000u}) {
    std::vector<std::uint32_t> values(count), multipliers(19), flips(19), minima(19);
    for (auto* list : {&values, &multipliers, &flips}) {
      for (std::uint32_t& value : *list) value = static_cast<std::uint32_t>(random());
    }
    find_minima(values, multipliers, flips, minima);
    for (std::size_t j = 0; j < minima.size(); ++j) {
      std::uint32_t least = 0xFFFFFFFF;
      for (const std::uint32_t value : values) least = std::min(least, (value * multipliers[j]) ^ flips[j]);
      EXPECT_EQ(minima[j], least);
    }
  }
}

TEST(MinHash, ASignatureIsAKnownAnswer) {
  // A change of these numbers changes which documents are dropped: published results would no longer be reproduced.
  const MinHasher hasher(MinHashSetting{});
  const std::vector<std::uint32_t> signature = hasher.signature("The quick brown fox jumps over the lazy dog.");
  ASSERT_EQ(signature.size(), 112u);
  // Made by tests/peers/check_minhash.py (Python 3.11, from docs/reference/deduplication.md alone).
  EXPECT_EQ(signature[0], 758797220u);
  EXPECT_EQ(signature[111], 13515289u);
  const BucketKey key = hasher.bucket_key(signature, 13);
  EXPECT_EQ(key.high, 0x1cb87be5db3198dau);
  EXPECT_EQ(key.low, 0x3370e8866fafe6d7u);
}

/// Two sets of `size` shingle values each that share `shared` of them.
std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> overlapping(std::uint64_t seed, std::size_t size,
                                                                              std::size_t shared) {
  std::mt19937_64 random(seed);
  std::vector<std::uint32_t> a, b;
  for (std::size_t i = 0; i < size; ++i) {
    const auto value = static_cast<std::uint32_t>(random() >> 32);
    a.push_back(value);
    b.push_back(i < shared ? value : static_cast<std::uint32_t>(random() >> 32));
  }
  return {a, b};
}

TEST(MinHash, DocumentsMeetInABucketAsOftenAsTheSCurveSays) {
  // 1 - (1 - s^8)^14 for sets of Jaccard similarity s, over 1,500 pairs: standard errors of at most 0.013.
  const MinHashSetting setting;
  const MinHasher hasher(setting);
  for (const double s : {0.5, 0.65, 0.72, 0.8, 0.9}) {
    const std::size_t size = 400;
    const auto shared = static_cast<std::size_t>(std::lround(2 * s / (1 + s) * size));
    const double exact = static_cast<double>(shared) / static_cast<double>(2 * size - shared);
    int met = 0;
    double mean = 0;
    constexpr int kPairs = 1500;
    for (int pair = 0; pair < kPairs; ++pair) {
      const auto [a, b] = overlapping(static_cast<std::uint64_t>(pair), size, shared);
      const auto minima_a = hasher.signature_of_values(a);
      const auto minima_b = hasher.signature_of_values(b);
      mean += estimated_similarity(minima_a, minima_b) / kPairs;
      bool meet = false;
      for (std::size_t bucket = 0; bucket < setting.buckets; ++bucket) {
        meet |= std::equal(&minima_a[bucket * 8], &minima_a[bucket * 8] + 8, &minima_b[bucket * 8]);
      }
      met += meet ? 1 : 0;
    }
    EXPECT_NEAR(mean, exact, 0.005) << s;
    EXPECT_NEAR(static_cast<double>(met) / kPairs, 1 - std::pow(1 - std::pow(exact, 8), 14), 0.045) << s;
  }
}

}  // namespace
}  // namespace reprise::data
