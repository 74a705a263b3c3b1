// Held-out groups and minimal pairs with a scorer whose answers are worked out by hand.
#include "reprise/eval/tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "reprise/core/error.h"
#include "table_scorer.h"

namespace reprise::eval {
namespace {

using testing::ElementsAre;

data::DocumentSpan document(std::string language, std::uint64_t first, std::uint64_t count, std::uint64_t bytes) {
  data::DocumentSpan span;
  span.id = language + std::to_string(first);
  span.language = std::move(language);
  span.first_token = first;
  span.num_tokens = count;
  span.num_bytes = bytes;
  return span;
}

// Three documents, each followed by end of text, which is 0.
const std::vector<std::uint16_t> kTokens{1, 2, 0, 3, 0, 4, 5, 6, 0};
const std::vector<data::DocumentSpan> kDocuments{document("en", 0, 2, 10), document("C++", 3, 1, 4),
                                                 document("en", 5, 3, 6)};

double loss(std::int32_t input, std::int32_t target, std::int64_t position) {
  return static_cast<double>(TableScorer::loss(input, target, position));
}

TEST(HeldOut, ScoresEachDocumentAfterAndUpToEndOfText) {
  const HeldOutTask task(kTokens, kDocuments, 0);
  EXPECT_THAT(task.streams(), ElementsAre(ElementsAre(0, 1, 2, 0), ElementsAre(0, 3, 0), ElementsAre(0, 4, 5, 6, 0)));
  EXPECT_EQ(task.num_targets(), 9);
}

TEST(HeldOut, GroupsByLanguageWithAllFirst) {
  ThreadPool pool(2);
  const auto groups = HeldOutTask(kTokens, kDocuments, 0).score(TableScorer(), 8, pool);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].name, "all");
  EXPECT_EQ(groups[1].name, "C++");
  EXPECT_EQ(groups[2].name, "en");
  EXPECT_EQ(groups[0].num_documents, 3u);
  EXPECT_EQ(groups[0].num_tokens, 9u);
  EXPECT_EQ(groups[0].num_bytes, 20u);
  EXPECT_EQ(groups[2].num_tokens, 7u);
  EXPECT_EQ(groups[2].num_bytes, 16u);
}

TEST(HeldOut, SumsTheLossesAndDividesByBytes) {
  ThreadPool pool(1);
  const auto groups = HeldOutTask(kTokens, kDocuments, 0).score(TableScorer(), 8, pool);
  const double expected = loss(0, 3, 0) + loss(3, 0, 1);
  EXPECT_EQ(groups[1].nll_nats, expected);
  EXPECT_NEAR(groups[1].bits_per_byte, expected / std::log(2.0) / 4, 1e-15);
}

TEST(HeldOut, CutsLongDocumentsIntoWindows) {
  ThreadPool pool(1);
  const auto groups = HeldOutTask(kTokens, {kDocuments[2]}, 0).score(TableScorer(), 3, pool);
  EXPECT_EQ(groups[0].nll_nats, loss(0, 4, 0) + loss(4, 5, 1) + loss(5, 6, 2) + loss(6, 0, 0));
}

TEST(HeldOut, CountsAnEmptyDocumentByItsEndOfTextAlone) {
  ThreadPool pool(1);
  const auto groups = HeldOutTask(kTokens, {document("en", 2, 0, 0)}, 0).score(TableScorer(), 8, pool);
  EXPECT_EQ(groups[0].num_tokens, 1u);
  EXPECT_EQ(groups[0].bits_per_byte, 0);
}

TEST(HeldOut, RefusesADocumentBeyondTheTokens) {
  EXPECT_THROW(HeldOutTask(kTokens, {document("en", 7, 3, 1)}, 0), Error);
}

/// One id per byte, so that sentences can be scored by eye.
std::vector<std::int32_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST(Pairs, ScoreASentenceWithALeadingSpaceAfterEndOfText) {
  const std::vector<MinimalPair> pairs{{"p", "ab", "abc"}};
  const PairTask task(pairs, bytes_of, 0);
  const TableScorer scorer;
  ThreadPool pool(1);
  task.score(scorer, 16, pool);
  ASSERT_EQ(scorer.calls().size(), 1u);
  EXPECT_THAT(scorer.calls()[0].inputs, ElementsAre(0, ' ', 'a', 'b', 0, ' ', 'a', 0));
  EXPECT_THAT(scorer.calls()[0].targets, ElementsAre(' ', 'a', 'b', 'c', ' ', 'a', 'b', -1));
}

TEST(Pairs, CountAPairAsCorrectWhenTheGoodSentenceIsLikelier) {
  // A smaller last byte has the smaller loss.
  const std::vector<MinimalPair> pairs{{"q", "aa", "ab"}, {"p", "ab", "aa"}, {"q", "ba", "bz"}};
  ThreadPool pool(1);
  const auto groups = PairTask(pairs, bytes_of, 0).score(TableScorer(), 16, pool);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].name, "all");
  EXPECT_EQ(groups[0].num_pairs, 3u);
  EXPECT_EQ(groups[0].num_correct, 2u);
  EXPECT_EQ(groups[1].name, "p");
  EXPECT_EQ(groups[1].num_correct, 0u);
  EXPECT_EQ(groups[2].name, "q");
  EXPECT_EQ(groups[2].num_correct, 2u);
}

TEST(Pairs, CountATieAsWrong) {
  const std::vector<MinimalPair> pairs{{"p", "same", "same"}};
  ThreadPool pool(1);
  EXPECT_EQ(PairTask(pairs, bytes_of, 0).score(TableScorer(), 16, pool)[0].num_correct, 0u);
}

}  // namespace
}  // namespace reprise::eval
