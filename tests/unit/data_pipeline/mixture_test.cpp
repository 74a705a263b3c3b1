#include "reprise/data_pipeline/mixture.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "mixture_recipe.h"
#include "reprise/core/error.h"

namespace reprise::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uint64_t kSizes[] = {300, 40, 7};
constexpr char kGroups[] = R"(
  group { name: "a" source: "a" } group { name: "b" source: "b" max_epochs: 10 } group { name: "c" max_epochs: 10 })";
constexpr char kFirst[] = R"(stage { name: "first" steps: 40
  share { group: "a" weight: 0.7 } share { group: "b" weight: 0.3 } })";
constexpr char kSecond[] = R"(stage { name: "second" tokens: 2400
  share { group: "c" token_budget: 200 } share { group: "a" weight: 1 } share { group: "b" epochs: 1.5 } })";
constexpr char kThird[] =
    R"(stage { name: "third" share { group: "b" epochs: 2.1 } share { group: "c" epochs: 1.9 } })";

Mixture three_stages() {
  return Mixture(mixture_recipe(9, 64, std::string(kGroups) + kFirst + kSecond + kThird), kSizes);
}

std::vector<std::uint64_t> flat(const Mixture& mixture, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::uint64_t> values;
  for (std::uint64_t sample = begin; sample < end; ++sample) {
    const SamplePlace place = mixture.place(sample);
    values.insert(values.end(), {place.group, place.epoch, place.sequence});
  }
  return values;
}

std::string error_of(std::uint64_t num_steps, const std::string& text, std::span<const std::uint64_t> sizes) {
  try {
    const Mixture mixture(mixture_recipe(1, num_steps, text), sizes);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  return "no error";
}

// Made by tests/peers/mixture_order.py, which walks through every sample.
TEST(Mixture, GivesTheKnownCountsAndSamples) {
  const Mixture mixture = three_stages();
  ASSERT_EQ(mixture.num_samples(), 640u);
  const std::uint64_t counts[3][3] = {{280, 120, 0}, {78, 60, 12}, {0, 78, 12}};
  for (std::size_t stage = 0; stage < 3; ++stage) {
    for (std::size_t group = 0; group < 3; ++group) {
      EXPECT_EQ(mixture.stages()[stage].groups[group].num_samples, counts[stage][group]) << stage << " " << group;
    }
  }
  EXPECT_THAT(flat(mixture, 400, 403), ::testing::ElementsAre(0, 0, 217, 1, 3, 17, 0, 0, 192));
  EXPECT_EQ(sha256(as_byte_span(std::span<const std::uint64_t>(flat(mixture, 0, 640)))).hex(),
            "d698f7a8b70f31ac704d60c36b75885b61f62b1fc39fde5c7a98550b21bf44ec");
}

TEST(Mixture, EndsAnEpochOfAGroupBeforeItBeginsTheNext) {
  const Mixture mixture = three_stages();
  std::map<std::size_t, std::set<std::uint64_t>> seen;
  std::map<std::size_t, std::uint64_t> epochs;
  for (std::uint64_t sample = 0; sample < mixture.num_samples(); ++sample) {
    const SamplePlace place = mixture.place(sample);
    ASSERT_LT(place.sequence, kSizes[place.group]);
    if (seen[place.group].size() == kSizes[place.group]) {
      seen[place.group].clear();
      ++epochs[place.group];
    }
    ASSERT_EQ(place.epoch, epochs[place.group]) << "sample " << sample;
    ASSERT_TRUE(seen[place.group].insert(place.sequence).second) << "sample " << sample;
  }
}

TEST(Mixture, KnowsEverySampleThatReadsASequence) {
  const Mixture mixture = three_stages();
  std::map<std::pair<std::size_t, std::uint64_t>, std::vector<std::uint64_t>> expected;
  for (std::uint64_t sample = 0; sample < mixture.num_samples(); ++sample) {
    const SamplePlace place = mixture.place(sample);
    EXPECT_EQ(place.stage, mixture.stage_of(sample));
    expected[{place.group, place.sequence}].push_back(sample);
  }
  for (std::size_t group = 0; group < 3; ++group) {
    for (std::uint64_t sequence = 0; sequence < kSizes[group]; ++sequence) {
      ASSERT_EQ(mixture.samples_of(group, sequence), (expected[{group, sequence}])) << group << " " << sequence;
    }
  }
}

TEST(Mixture, KeepsTheFirstStagesWhenLaterOnesChange) {
  const auto first_samples = [](std::uint64_t num_steps, const std::string& later) {
    return flat(Mixture(mixture_recipe(9, num_steps, std::string(kGroups) + kFirst + later), kSizes), 0, 400);
  };
  const std::vector<std::uint64_t> whole = flat(three_stages(), 0, 400);
  EXPECT_EQ(first_samples(40, ""), whole);
  EXPECT_EQ(first_samples(52, "stage { name: \"other\" steps: 12 share { group: \"a\" weight: 3 } }"), whole);
}

TEST(Mixture, FillsStagesOfSmallBatchesByTheSequencesOfTheirSteps) {
  // Steps of 4 sequences, from the seventh on of 10: 6 and 4 steps in the first stage, 30 more in the second.
  const std::string text = std::string("batch_warmup { sequences: 4 steps: 6 }") + kGroups +
                           R"(stage { name: "first" steps: 10 share { group: "a" weight: 1 } }
                              stage { name: "second" share { group: "b" weight: 1 } })";
  const Mixture mixture(mixture_recipe(9, 40, text), kSizes);
  ASSERT_EQ(mixture.stages().size(), 2u);
  EXPECT_EQ(mixture.stages()[0].num_samples, 6u * 4 + 4 * 10);
  EXPECT_EQ(mixture.stages()[1].first_sample, 64u);
  EXPECT_EQ(mixture.stages()[1].num_samples, 30u * 10);
}

TEST(Mixture, SaysHowManySmallBatchesAStageWithoutWeightsFills) {
  // 40 of "b" and 20 more are 4 steps of 4 sequences, and 4 of 10 of which the last is not whole.
  const std::string text = std::string("batch_warmup { sequences: 4 steps: 4 }") + kGroups +
                           R"(stage { name: "only" steps: 9 share { group: "b" epochs: 1.5 } })";
  EXPECT_THAT(error_of(9, text, kSizes), HasSubstr("set steps: 8, or give a group a weight"));
  const std::string right = std::string("batch_warmup { sequences: 4 steps: 4 }") + kGroups +
                            R"(stage { name: "only" steps: 8 share { group: "b" epochs: 1.5 } })";
  EXPECT_EQ(error_of(8, right, kSizes), "no error");
}

TEST(Mixture, KeepsTheShareOfEveryBatch) {
  const Mixture mixture = three_stages();
  for (std::uint64_t step = 0; step < 40; ++step) {
    int of_a = 0;
    for (std::uint64_t i = 0; i < 10; ++i) of_a += mixture.place(step * 10 + i).group == 0;
    EXPECT_EQ(of_a, 7) << step;
  }
}

TEST(Mixture, OfOneGroupReadsWhatARunWithoutGroupsReads) {
  const std::uint64_t sizes[] = {123};
  const Mixture plain(mixture_recipe(5, 40, ""), sizes);
  const Mixture mixed(
      mixture_recipe(5, 40, "group { name: \"all\" } stage { name: \"one\" share { group: \"all\" weight: 1 } }"),
      sizes);
  EXPECT_EQ(flat(plain, 0, 400), flat(mixed, 0, 400));
  const SampleOrder order(5, 123);
  for (std::uint64_t sample = 0; sample < 400; ++sample) {
    EXPECT_EQ(plain.place(sample).sequence, order.sequence_at(sample));
    EXPECT_EQ(plain.place(sample).epoch, sample / 123);
  }
}

TEST(Mixture, ReadsGroupsInOrdersOfTheirOwn) {
  const std::uint64_t sizes[] = {100, 100};
  const Mixture mixture(mixture_recipe(5, 20, R"(group { name: "a" source: "a" } group { name: "b" }
      stage { name: "one" share { group: "a" weight: 1 } share { group: "b" weight: 1 } })"),
                        sizes);
  std::vector<std::uint64_t> of[2];
  for (std::uint64_t sample = 0; sample < 200; ++sample) {
    const SamplePlace place = mixture.place(sample);
    of[place.group].push_back(place.sequence);
  }
  EXPECT_EQ(of[0].size(), 100u);
  EXPECT_NE(of[0], of[1]);
}

TEST(Mixture, DoesNotDependOnTheOrderOfSharesOrOnTheScaleOfWeights) {
  const Mixture one(mixture_recipe(9, 40, std::string(kGroups) + kFirst), kSizes);
  const Mixture other(mixture_recipe(9, 40, std::string(kGroups) + R"(stage { name: "first"
      share { group: "b" weight: 0.75 } share { group: "a" weight: 1.75 } })"),
                      kSizes);
  EXPECT_EQ(flat(one, 0, 400), flat(other, 0, 400));
}

TEST(Mixture, RefusesToReadAGroupMoreOftenThanItMayBe) {
  const std::uint64_t sizes[] = {100};
  const std::string text = "group { name: \"a\" max_epochs: 2 } stage { name: \"s\" share { group: \"a\" weight: 1 } }";
  EXPECT_EQ(error_of(20, text, sizes), "no error");
  EXPECT_THAT(error_of(21, text, sizes),
              HasSubstr("group 'a' would be read 2.10 times (210 of 100 sequences), and max_epochs is 2"));
}

TEST(Mixture, NamesEveryReasonAtOnce) {
  const std::uint64_t sizes[] = {100, 0};
  const std::string text = R"(group { name: "a" source: "a" max_epochs: 0.5 } group { name: "b" }
      stage { name: "s" steps: 10 share { group: "a" weight: 1 } share { group: "b" weight: 1 } }
      stage { name: "t" steps: 2 share { group: "a" epochs: 1 } })";
  EXPECT_THAT(
      error_of(12, text, sizes),
      AllOf(HasSubstr(
                "stage 't' has 20 sequences (2 steps), and its epochs and token budgets ask for 100: set steps: 10"),
            HasSubstr("group 'b' is to give 50 sequences, but holds not one of 16 tokens")));
}

TEST(Mixture, RefusesBudgetsThatDoNotFitBesideAWeight) {
  EXPECT_THAT(error_of(1, std::string(kGroups) + R"(stage { name: "s"
      share { group: "a" epochs: 1 } share { group: "b" weight: 1 } })",
                       kSizes),
              HasSubstr("stage 's' has 10 sequences (1 steps), and its epochs and token budgets ask for 300"));
}

TEST(Mixture, RefusesEpochsOfAGroupWithoutASequence) {
  const std::uint64_t sizes[] = {100, 0};
  EXPECT_THAT(error_of(20, R"(group { name: "a" source: "a" } group { name: "rest" }
      stage { name: "s" share { group: "a" weight: 1 } share { group: "rest" epochs: 1 } })",
                       sizes),
              HasSubstr("group 'rest' is to be read by epochs, but holds not one sequence of 16 tokens"));
}

TEST(Mixture, GivesNoNumberOfStepsThatAConfigCannotHold) {
  const auto error_with = [](const char* epochs) {
    return error_of(
        1, std::string(kGroups) + fmt::format(R"(stage {{ name: "s" share {{ group: "a" epochs: {} }} }})", epochs),
        kSizes);
  };
  EXPECT_THAT(error_with("1e-9"), HasSubstr("ask for 0: ask for at least one step, or give a group a weight"));
  EXPECT_THAT(error_with("1e300"), testing::EndsWith(": ask for less"));
}

TEST(Mixture, LetsAGroupWithoutASequenceBeWhenNoStageReadsIt) {
  const std::uint64_t sizes[] = {100, 0};
  EXPECT_EQ(error_of(20, R"(group { name: "a" source: "a" } group { name: "rest" }
      stage { name: "s" share { group: "a" weight: 1 } })",
                     sizes),
            "no error");
}

}  // namespace
}  // namespace reprise::data
