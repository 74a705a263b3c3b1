// The suite's content, and what every pair of it must be.
#include "reprise/eval/suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "reprise/configs/suite_size.h"
#include "reprise/core/error.h"
#include "suite_tables.h"

namespace reprise::eval {
namespace {

std::vector<std::string> words_of(const std::string& sentence) {
  std::istringstream stream(sentence);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// Lower case, without the full stop or comma.
std::string bare(std::string word) {
  while (!word.empty() && (word.back() == '.' || word.back() == ',')) word.pop_back();
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return word;
}

std::vector<std::size_t> differing_places(const MinimalPair& pair) {
  const std::vector<std::string> good = words_of(pair.good);
  const std::vector<std::string> bad = words_of(pair.bad);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (bare(good[i]) != bare(bad[i])) places.push_back(i);
  }
  return places;
}

const std::vector<MinimalPair>& suite_pairs() {
  static const std::vector<MinimalPair> pairs = generate_suite(250);
  return pairs;
}

TEST(Suite, IsTheOneThatWasPublished) {
  // Made by this generator; a change means another suite and so other roots: docs/reference/minimal_pairs.md.
  EXPECT_EQ(suite_digest(suite_pairs()).hex(), "ca011bd533660a15865254c447b21bf5297bb7c3f375bf7f8e766f2045e411d0");
  EXPECT_EQ(suite_pairs().front().good, "The lady of the tents is strong.");
  EXPECT_EQ(suite_pairs().front().bad, "The lady of the tents are strong.");
}

TEST(Suite, HasEightPhenomenaOrMoreWithAsManyPairsEach) {
  std::map<std::string, int> counts;
  for (const MinimalPair& pair : suite_pairs()) ++counts[pair.phenomenon];
  EXPECT_GE(counts.size(), 8u);
  EXPECT_GE(suite_pairs().size(), 2000u);
  for (const auto& [name, count] : counts) EXPECT_EQ(count, 250) << name;
}

TEST(Suite, ListsItsPhenomenaByName) {
  const std::vector<std::string> names = phenomenon_names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_THAT(names, testing::Contains("word_order"));
}

TEST(Suite, HasNoPairTwice) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const MinimalPair& pair : suite_pairs()) EXPECT_TRUE(seen.emplace(pair.good, pair.bad).second) << pair.good;
}

TEST(Suite, NeverCallsASentenceGoodHereAndBadThere) {
  std::set<std::string> good;
  for (const MinimalPair& pair : suite_pairs()) good.insert(pair.good);
  for (const MinimalPair& pair : suite_pairs()) EXPECT_EQ(good.count(pair.bad), 0u) << pair.bad;
}

TEST(Suite, DiffersInOneWordOrInTwoNeighboursOfASentenceOfTheSameLength) {
  for (const MinimalPair& pair : suite_pairs()) {
    ASSERT_EQ(words_of(pair.good).size(), words_of(pair.bad).size()) << pair.good;
    const std::vector<std::size_t> places = differing_places(pair);
    ASSERT_GE(places.size(), 1u) << pair.good;
    ASSERT_LE(places.size(), 2u) << pair.good << " / " << pair.bad;
    EXPECT_EQ(places.front() + places.size() - 1, places.back()) << pair.good << " / " << pair.bad;
  }
}

TEST(Suite, WritesEverySentenceAsOne) {
  for (const MinimalPair& pair : suite_pairs()) {
    for (const std::string& sentence : {pair.good, pair.bad}) {
      EXPECT_TRUE(sentence.front() >= 'A' && sentence.front() <= 'Z') << sentence;
      EXPECT_EQ(sentence.find('.'), sentence.size() - 1) << sentence;
      EXPECT_EQ(sentence.find_first_of("{}"), std::string::npos) << sentence;
      EXPECT_EQ(sentence.find("  "), std::string::npos) << sentence;
    }
  }
}

TEST(Suite, PutsNoVowelAfterTheArticleA) {
  for (const MinimalPair& pair : suite_pairs()) {
    const std::vector<std::string> words = words_of(pair.good);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      const bool has_vowel = std::string("aeiou").find(words[i + 1][0]) != std::string::npos;
      EXPECT_FALSE(bare(words[i]) == "a" && has_vowel) << pair.good;
    }
  }
}

TEST(Suite, BalancesSingularAndPluralVerbs) {
  std::map<std::string, int> balance;  // good sentences with a singular verb minus those with a plural one
  const std::set<std::string> singular{"is", "was", "has", "does"};
  const std::set<std::string> plural{"are", "were", "have", "do"};
  for (const MinimalPair& pair : suite_pairs()) {
    const std::string word = bare(words_of(pair.good)[differing_places(pair)[0]]);
    balance[pair.phenomenon] += static_cast<int>(singular.count(word)) - static_cast<int>(plural.count(word));
  }
  EXPECT_LE(std::abs(balance["agreement_across_attractor"]), 2);
  EXPECT_LE(std::abs(balance["subject_verb_agreement"]), 2);
}

TEST(Suite, KeepsAPairWhenMoreAreAskedFor) {
  const std::vector<MinimalPair> few = generate_suite(20);
  const std::size_t num_phenomena = phenomenon_names().size();
  ASSERT_EQ(few.size(), 20 * num_phenomena);
  for (std::size_t p = 0; p < num_phenomena; ++p) {
    for (std::size_t i = 0; i < 20; ++i) {
      EXPECT_EQ(few[p * 20 + i].good, suite_pairs()[p * 250 + i].good);
      EXPECT_EQ(few[p * 20 + i].bad, suite_pairs()[p * 250 + i].bad);
    }
  }
}

TEST(Suite, HasAsManyDistinctPairsAsARecipeMayAskFor) {
  const std::vector<MinimalPair> pairs = generate_suite(configs::kMostPairsPerPhenomenon);
  std::set<std::pair<std::string, std::string>> seen;
  for (const MinimalPair& pair : pairs) EXPECT_TRUE(seen.emplace(pair.good, pair.bad).second) << pair.good;
  EXPECT_EQ(seen.size(), configs::kMostPairsPerPhenomenon * phenomenon_names().size());
}

TEST(Suite, RefusesMorePairsThanTheLexiconMakes) {
  for (const std::uint32_t count : {configs::kMostPairsPerPhenomenon + 1, 100000u}) {
    try {
      generate_suite(count);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kConfig);
      EXPECT_THAT(error.what(), testing::HasSubstr(std::to_string(count)));
      EXPECT_THAT(error.hint(), testing::HasSubstr("--pairs"));
    }
  }
}

TEST(Suite, HashesPhenomenonAndBothSentences) {
  const std::vector<MinimalPair> pairs{{"p", "A b.", "B a."}};
  const Digest digest = suite_digest(pairs);
  EXPECT_NE(suite_digest({{"q", "A b.", "B a."}}), digest);
  EXPECT_NE(suite_digest({{"p", "A c.", "B a."}}), digest);
  EXPECT_NE(suite_digest({{"p", "A b.", "C a."}}), digest);
  EXPECT_NE(suite_digest({}), digest);
}

TEST(Lexicon, SpellsEveryFormOfEveryEntry) {
  for (const suite::WordClass& word_class : suite::lexicon()) {
    EXPECT_FALSE(word_class.entries.empty()) << word_class.name;
    std::set<std::string_view> first_forms;
    for (const suite::Entry& entry : word_class.entries) {
      EXPECT_TRUE(first_forms.insert(entry.forms[0]).second) << entry.forms[0] << " twice in " << word_class.name;
      for (std::size_t i = 0; i < suite::kMaxForms; ++i) {
        EXPECT_EQ(entry.forms[i].empty(), word_class.form_names[i].empty()) << entry.forms[0];
        for (const char c : entry.forms[i])
          EXPECT_TRUE(std::isalpha(static_cast<unsigned char>(c)) || c == ' ') << entry.forms[i];
      }
    }
  }
}

TEST(Lexicon, IsUsedByTheTemplatesInFull) {
  std::string all;
  for (const suite::Phenomenon& phenomenon : suite::phenomena()) {
    for (const suite::Template& form : phenomenon.templates) all += std::string(form.good) + std::string(form.bad);
  }
  for (const suite::WordClass& word_class : suite::lexicon()) {
    EXPECT_NE(all.find("{" + std::string(word_class.name) + "."), std::string::npos) << word_class.name;
  }
}

TEST(Lexicon, KeepsThePastAndTheParticipleOfIrregularVerbsApart) {
  for (const suite::WordClass& word_class : suite::lexicon()) {
    if (word_class.name != "take" && word_class.name != "fall") continue;
    for (const suite::Entry& entry : word_class.entries) {
      const auto& [base, third, past, participle, unused] = entry.forms;
      EXPECT_NE(base, past);
      EXPECT_NE(past, participle);
      EXPECT_NE(base, participle);
    }
  }
}

}  // namespace
}  // namespace reprise::eval
