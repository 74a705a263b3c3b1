// Windows, batches and the independence of the losses from both.
#include "reprise/eval/scoring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "reprise/core/error.h"
#include "reprise/core/philox.h"
#include "table_scorer.h"

namespace reprise::eval {
namespace {

using testing::ElementsAre;

std::vector<TokenStream> random_streams(std::size_t count) {
  std::vector<TokenStream> streams(count);
  std::uint32_t counter = 0;
  const auto next = [&] {
    return philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), counter++, 0, 0}, philox_key(1))[0];
  };
  for (TokenStream& stream : streams) {
    stream.resize(1 + next() % 70);
    for (std::int32_t& token : stream) token = static_cast<std::int32_t>(next() % 100);
  }
  return streams;
}

TEST(Windows, CoverEveryTargetOnceWithoutOverlap) {
  const std::vector<TokenStream> streams{{9, 1, 2, 3, 4, 5}, {9, 1}, {9, 1, 2, 3, 4}};
  EXPECT_THAT(cut_windows(streams, 2), ElementsAre(Window{0, 0, 2}, Window{0, 2, 2}, Window{0, 4, 1}, Window{1, 0, 1},
                                                   Window{2, 0, 2}, Window{2, 2, 2}));
}

TEST(Windows, AreNoneForAStreamWithoutTargets) {
  EXPECT_TRUE(cut_windows(std::vector<TokenStream>{{}, {7}}, 4).empty());
}

TEST(Batches, HoldEveryWindowOnceAndRespectTheLimit) {
  const std::vector<TokenStream> streams = random_streams(200);
  const std::vector<Window> windows = cut_windows(streams, 16);
  std::set<std::size_t> seen;
  for (const std::vector<std::size_t>& batch : plan_batches(windows, 64)) {
    std::size_t longest = 0;
    for (const std::size_t index : batch) {
      EXPECT_TRUE(seen.insert(index).second);
      longest = std::max(longest, windows[index].length);
    }
    EXPECT_LE(batch.size() * longest, 64u);
  }
  EXPECT_EQ(seen.size(), windows.size());
}

TEST(Batches, HoldOneWindowThatIsLongerThanTheLimit) {
  const std::vector<Window> windows{{0, 0, 100}, {1, 0, 3}};
  EXPECT_THAT(plan_batches(windows, 10), ElementsAre(ElementsAre(0), ElementsAre(1)));
}

TEST(Scoring, ConditionsALaterWindowOnTheTokenBeforeIt) {
  const std::vector<TokenStream> streams{{10, 11, 12, 13}};
  ThreadPool pool(1);
  const TableScorer scorer;
  const auto losses = score_streams(scorer, streams, 2, pool);
  EXPECT_THAT(losses, ElementsAre(ElementsAre(TableScorer::loss(10, 11, 0), TableScorer::loss(11, 12, 1),
                                              TableScorer::loss(12, 13, 0))));
}

TEST(Scoring, PadsAfterTheWindowWithTargetsThatDoNotCount) {
  const std::vector<TokenStream> streams{{5, 6, 7, 8}, {5, 9, 4}};
  ThreadPool pool(1);
  const TableScorer scorer;
  score_streams(scorer, streams, 8, pool);
  ASSERT_EQ(scorer.calls().size(), 1u);
  EXPECT_EQ(scorer.calls()[0].length, 3);
  EXPECT_THAT(scorer.calls()[0].inputs, ElementsAre(5, 6, 7, 5, 9, 0));
  EXPECT_THAT(scorer.calls()[0].targets, ElementsAre(6, 7, 8, 9, 4, -1));
}

TEST(Scoring, GivesTheSameLossesOnAnyNumberOfThreadsAndAlone) {
  const std::vector<TokenStream> streams = random_streams(300);
  const TableScorer scorer;
  ThreadPool one(1);
  ThreadPool three(3);
  const auto expected = score_streams(scorer, streams, 16, one);
  EXPECT_EQ(score_streams(scorer, streams, 16, three), expected);
  for (std::size_t i = 0; i < streams.size(); i += 37) {
    EXPECT_EQ(score_streams(scorer, std::vector<TokenStream>{streams[i]}, 16, one)[0], expected[i]);
  }
}

/// Has little room.
class SmallScorer : public TableScorer {
 public:
  std::size_t batch_tokens() const override { return 40; }
};

TEST(Scoring, GivesAScorerAsMuchAtOnceAsItWants) {
  const std::vector<TokenStream> streams = random_streams(300);
  ThreadPool pool(1);
  const TableScorer large;
  const SmallScorer small;
  EXPECT_EQ(score_streams(small, streams, 16, pool), score_streams(large, streams, 16, pool));
  for (const TableScorer::Call& call : small.calls()) EXPECT_LE(call.targets.size(), 40u);
  EXPECT_LT(5 * large.calls().size(), small.calls().size());
}

TEST(Scoring, ReportsEveryTargetOnce) {
  const std::vector<TokenStream> streams = random_streams(100);
  ThreadPool pool(2);
  std::int64_t reported = 0;
  score_streams(TableScorer(), streams, 16, pool, [&](std::int64_t count) { reported += count; });
  EXPECT_EQ(reported, count_targets(streams));
}

class NanScorer : public Scorer {
 public:
  std::vector<float> score(std::span<const std::int32_t>, std::span<const std::int32_t> targets, std::int64_t,
                           std::int64_t) const override {
    return std::vector<float>(targets.size(), std::numeric_limits<float>::quiet_NaN());
  }
};

TEST(Scoring, RefusesALossThatIsNotFinite) {
  ThreadPool pool(1);
  try {
    score_streams(NanScorer(), std::vector<TokenStream>{{1, 2}}, 4, pool);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
  }
}

}  // namespace
}  // namespace reprise::eval
