#include "reprise/data_pipeline/reading_order.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "mixture_recipe.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/document_file.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

constexpr std::uint32_t kLength = 16;

constexpr std::uint64_t kSeed = 11;
constexpr std::uint64_t kSteps = 40;
constexpr std::uint64_t kBatch = 10;
constexpr char kMixture[] = R"(group { name: "a" source: "a*" max_epochs: 20 } group { name: "b" max_epochs: 20 }
  stage { name: "one" steps: 25 share { group: "a" weight: 1 } share { group: "b" weight: 2 } }
  stage { name: "two" share { group: "a" epochs: 1.5 } share { group: "b" weight: 1 } })";

/// Without groups, and with a mixture of two.
class ReadingOrderTest : public ::testing::TestWithParam<bool> {
 protected:
  ReadingOrderTest() : tokens_(make()), order_(tokens_, mixture_recipe(kSeed, kSteps, GetParam() ? kMixture : "")) {}

  TokenSet make() const {
    std::vector<Document> documents(30);
    std::mt19937_64 random(6);
    std::vector<const Document*> pointers;
    for (std::size_t k = 0; k < documents.size(); ++k) {
      documents[k].id = "id-" + std::to_string(k);
      // Some are shorter than a sequence, some longer than several.
      documents[k].text = random_text(random, 1 + random() % 60);
      documents[k].source_file = "file.jsonl";
      documents[k].source_line = k + 1;
      documents[k].source = k % 3 == 0 ? "aa" : "b";
      pointers.push_back(&documents[k]);
    }
    const std::filesystem::path path = folder_.path() / "documents.jsonl.zst";
    write_documents(path, pointers);
    write_shards(path, small_tokenizer(), folder_.path(), "train", 1, no_progress());
    return TokenSet::open(folder_.path(), "train");
  }

  TemporaryFolder folder_;
  TokenSet tokens_;
  ReadingOrder order_;
};

TEST_P(ReadingOrderTest, NamesTheTokensThatTheTrainerReads) {
  std::vector<std::int32_t> inputs(kLength), targets(kLength);
  for (std::uint64_t step = 1; step <= kSteps; ++step) {
    const std::vector<SampleContent> batch = order_.batch(step);
    ASSERT_EQ(batch.size(), kBatch);
    for (const SampleContent& content : batch) {
      order_.read_sample((step - 1) * kBatch + content.sample, inputs.data(), targets.data());
      for (const DocumentPart& part : content.parts) {
        for (std::uint64_t i = 0; i < part.num_tokens; ++i) {
          const std::uint64_t at = tokens_.documents()[part.document].first_token + part.first_token + i;
          const std::uint64_t position = part.position + i;
          ASSERT_EQ(position < kLength ? inputs[position] : targets[position - 1], tokens_.tokens()[at]);
        }
      }
    }
  }
}

TEST_P(ReadingOrderTest, GoesOnFromAParentWhereThatWas) {
  const ReadingOrder child(tokens_, mixture_recipe(kSeed, kSteps, GetParam() ? kMixture : ""), {26, 26 * kBatch});
  EXPECT_THROW(child.batch(26), Error);
  for (const std::uint64_t step : {27, 40}) {
    const std::vector<SampleContent> ours = child.batch(step), theirs = order_.batch(step);
    for (std::size_t i = 0; i < kBatch; ++i) {
      EXPECT_EQ(ours[i].sample, i);
      EXPECT_EQ(ours[i].place.sequence, theirs[i].place.sequence);
    }
  }
  for (std::size_t document = 0; document < tokens_.documents().size(); ++document) {
    std::vector<std::uint64_t> ours, theirs;
    for (const Visit& visit : child.visits(document)) ours.push_back(visit.step);
    for (const Visit& visit : order_.visits(document)) {
      if (visit.step > 26) theirs.push_back(visit.step);
    }
    EXPECT_EQ(ours, theirs);
  }
}

TEST_P(ReadingOrderTest, BeginsAnewBehindAParent) {
  if (GetParam()) GTEST_SKIP() << "the stages of this mixture fill 40 steps";
  const ReadingOrder child(tokens_, mixture_recipe(kSeed, kSteps, ""), {30, 0});
  EXPECT_EQ(child.batch(31)[3].place.sequence, order_.batch(1)[3].place.sequence);
  EXPECT_EQ(child.mixture().num_samples(), 10 * kBatch);
}

TEST_P(ReadingOrderTest, WithoutGroupsFollowsTheOrderOfAllSequences) {
  if (GetParam()) GTEST_SKIP() << "with groups";
  const SampleOrder order(kSeed, tokens_.num_sequences(kLength));
  for (std::uint64_t ordinal = 0; ordinal < kSteps * kBatch; ++ordinal) {
    EXPECT_EQ(order_.content(ordinal).place.sequence, order.sequence_at(ordinal));
  }
}

TEST_P(ReadingOrderTest, PartsCoverInputsAndTheLastTargetWithoutGaps) {
  for (const SampleContent& content : order_.batch(7)) {
    std::uint64_t position = 0;
    for (const DocumentPart& part : content.parts) {
      EXPECT_EQ(part.position, position);
      const DocumentSpan& document = tokens_.documents()[part.document];
      EXPECT_EQ(order_.groups().group_of(part.document), content.place.group);
      EXPECT_LE(part.first_token + part.num_tokens, document.num_tokens + 1);
      position += part.num_tokens;
    }
    EXPECT_EQ(position, kLength + 1);
  }
}

TEST_P(ReadingOrderTest, BothDirectionsAgree) {
  using Read = std::tuple<std::uint64_t, std::uint32_t, std::size_t, std::uint64_t, std::uint64_t>;
  std::set<Read> by_step;
  std::set<Read> by_document;
  for (std::uint64_t step = 1; step <= kSteps; ++step) {
    for (const SampleContent& content : order_.batch(step)) {
      for (const DocumentPart& part : content.parts) {
        by_step.insert({step, content.sample, part.document, part.first_token, part.num_tokens});
      }
    }
  }
  for (std::size_t document = 0; document < tokens_.documents().size(); ++document) {
    for (const Visit& visit : order_.visits(document)) {
      for (const DocumentPart& part : visit.content.parts) {
        EXPECT_EQ(part.document, document);
        by_document.insert({visit.step, visit.content.sample, part.document, part.first_token, part.num_tokens});
      }
    }
  }
  EXPECT_EQ(by_step, by_document);
  EXPECT_FALSE(by_step.empty());
}

TEST_P(ReadingOrderTest, ADocumentIsReadOnceInEachWholeEpoch) {
  const std::uint64_t group = order_.groups().group_of(3);
  std::uint64_t draws = 0;
  for (const MixtureStage& stage : order_.mixture().stages()) draws += stage.groups[group].num_samples;
  const std::uint64_t epochs = draws / order_.groups().num_sequences(group);
  ASSERT_GE(epochs, 2u);
  std::map<std::uint64_t, std::uint64_t> inputs;  // by epoch: tokens of document 3 that are inputs
  for (const Visit& visit : order_.visits(3)) {
    for (const DocumentPart& part : visit.content.parts) {
      inputs[visit.content.place.epoch] +=
          std::min<std::uint64_t>(part.num_tokens, kLength - std::min(kLength, part.position));
    }
  }
  for (std::uint64_t epoch = 0; epoch < epochs; ++epoch)
    EXPECT_EQ(inputs[epoch], tokens_.documents()[3].num_tokens + 1);
}

TEST_P(ReadingOrderTest, AStepOrASampleThatIsNotThereIsAnErrorThatNamesTheRange) {
  EXPECT_THAT([&] { order_.batch(0); }, ::testing::Throws<Error>());
  EXPECT_THAT([&] { order_.batch(41); }, ::testing::Throws<Error>());
  EXPECT_THAT([&] { order_.batch(1, kBatch); }, ::testing::Throws<Error>());
  EXPECT_EQ(order_.find("id-29"), 29u);
  EXPECT_EQ(order_.find("id-30"), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Mixtures, ReadingOrderTest, ::testing::Bool(),
                         [](const auto& one) { return std::string(one.param ? "TwoGroups" : "NoGroups"); });

}  // namespace
}  // namespace reprise::data
