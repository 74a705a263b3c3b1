#include "reprise/data_pipeline/reading_order.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "reprise/core/error.h"
#include "reprise/data_pipeline/document_file.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

constexpr std::uint32_t kLength = 16;

class ReadingOrderTest : public ::testing::Test {
 protected:
  ReadingOrderTest() : tokens_(make()), order_(tokens_, plan()) {}

  static ReadingPlan plan() { return {11, kLength, 3, 40}; }

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

TEST_F(ReadingOrderTest, NamesTheSequencesThatTheTrainerReads) {
  const SampleOrder order(plan().seed, tokens_.num_sequences(kLength));
  for (std::uint64_t step = 1; step <= plan().num_steps; ++step) {
    const std::vector<SampleContent> batch = order_.batch(step);
    ASSERT_EQ(batch.size(), plan().batch_sequences);
    for (const SampleContent& content : batch) {
      EXPECT_EQ(content.sequence, order.sequence_at((step - 1) * plan().batch_sequences + content.sample));
    }
  }
}

TEST_F(ReadingOrderTest, PartsCoverInputsAndTheLastTargetWithoutGaps) {
  for (const SampleContent& content : order_.batch(7)) {
    std::uint64_t position = 0;
    for (const DocumentPart& part : content.parts) {
      EXPECT_EQ(part.position, position);
      const DocumentSpan& document = tokens_.documents()[part.document];
      EXPECT_EQ(document.first_token + part.first_token, content.sequence * kLength + part.position);
      EXPECT_LE(part.first_token + part.num_tokens, document.num_tokens + 1);
      position += part.num_tokens;
    }
    EXPECT_EQ(position, kLength + 1);
  }
}

TEST_F(ReadingOrderTest, BothDirectionsAgree) {
  using Read = std::tuple<std::uint64_t, std::uint32_t, std::size_t, std::uint64_t, std::uint64_t>;
  std::set<Read> by_step;
  std::set<Read> by_document;
  for (std::uint64_t step = 1; step <= plan().num_steps; ++step) {
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

TEST_F(ReadingOrderTest, ADocumentIsReadOnceInEachWholeEpoch) {
  const std::uint64_t epochs = plan().num_steps * plan().batch_sequences / tokens_.num_sequences(kLength);
  ASSERT_GE(epochs, 1u);
  std::map<std::uint64_t, std::uint64_t> inputs;  // by epoch: tokens of document 3 that are inputs
  for (const Visit& visit : order_.visits(3)) {
    for (const DocumentPart& part : visit.content.parts) {
      inputs[visit.content.epoch] +=
          std::min<std::uint64_t>(part.num_tokens, kLength - std::min(kLength, part.position));
    }
  }
  for (std::uint64_t epoch = 0; epoch < epochs; ++epoch)
    EXPECT_EQ(inputs[epoch], tokens_.documents()[3].num_tokens + 1);
}

TEST_F(ReadingOrderTest, AStepOrASampleThatIsNotThereIsAnErrorThatNamesTheRange) {
  EXPECT_THAT([&] { order_.batch(0); }, ::testing::Throws<Error>());
  EXPECT_THAT([&] { order_.batch(41); }, ::testing::Throws<Error>());
  EXPECT_THAT([&] { order_.batch(1, 3); }, ::testing::Throws<Error>());
  EXPECT_EQ(order_.find("id-29"), 29u);
  EXPECT_EQ(order_.find("id-30"), std::nullopt);
}

}  // namespace
}  // namespace reprise::data
