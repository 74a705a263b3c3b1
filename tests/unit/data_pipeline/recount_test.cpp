#include "reprise/data_pipeline/recount.h"

#include <gmock/gmock.h>

#include "corpus_fixture.h"
#include "filter_vectors.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RecountTest : public CorpusFixture {
 protected:
  void SetUp() override {
    CorpusFixture::SetUp();
    *recipe_.add_filter() = only("gopher_quality", "gopher_stop_words");
    recipe_.mutable_filter(0)->add_language("en");
    add_file("a.jsonl",
             {dolma_line("1", "the cat and the dog"), dolma_line("2", "no such words"),
              dolma_line("3", "el gato", "es"), dolma_line("4", "el gato", "es"), dolma_line("5", "el gato", "es")});
    build();
  }

  /// Lines "number: published -> counted".
  std::vector<std::string> differences() const {
    std::vector<std::string> lines;
    for (const RecountDifference& one : recount(run_dir(), recipe_, nullptr).differences) {
      lines.push_back(fmt::format("{}: {} -> {}", one.number, one.published, one.counted));
    }
    return lines;
  }

  void change_dropped(const std::function<void(DroppedDocument&)>& change) const {
    std::vector<DroppedDocument> documents = dropped();
    for (DroppedDocument& document : documents) change(document);
    write_dropped(dropped_path(run_dir()), documents);
  }
};

TEST_F(RecountTest, AFreshBuildHasNoDifferences) {
  EXPECT_THAT(differences(), IsEmpty());
  // Four rows of two numbers, one rule's value and threshold, text and copies of two duplicates.
  EXPECT_EQ(recount(run_dir(), recipe_, nullptr).num_numbers, 4u * 2 + 2 + 2 * 2);
}

TEST_F(RecountTest, AFilterOfAnotherKindDoesNotMeasureADocument) {
  recipe_.clear_filter();
  *recipe_.add_filter() = rule_of("gopher_quality", "gopher-paper");
  recipe_.mutable_filter(0)->add_kind("natural");
  *recipe_.add_filter() = rule_of("gopher_quality", "dclm");
  recipe_.mutable_filter(1)->add_kind("code");
  add_file("b.jsonl",
           {dolma_line("6", "a - b", "en", "code"), dolma_line("7", "a - b"), dolma_line("8", "kept", "en", "other")});
  build();
  EXPECT_THAT(differences(), IsEmpty()) << "three words by the paper's count, two by that of DCLM";
}

TEST_F(RecountTest, AChangedCountOfTheReportIsNamed) {
  Report report = read_report(run_dir());
  report.rows[1].num_documents += 1;
  write_file_atomically(report_path(run_dir()), report_json(report));
  EXPECT_THAT(differences(), ElementsAre("rows: test/en/natural/train: documents: 2 -> 1"));
}

TEST_F(RecountTest, AChangedValueOfADroppedDocumentIsNamed) {
  change_dropped([](DroppedDocument& dropped) {
    if (dropped.document.id == "2") dropped.drop.value = 1;
  });
  EXPECT_THAT(differences(), ElementsAre("dropped 2: gopher_stop_words: value: 1 -> 0"));
}

TEST_F(RecountTest, ADocumentThatItsRuleKeepsIsNamed) {
  change_dropped([](DroppedDocument& dropped) {
    if (dropped.document.id == "2") dropped.document.text = "the and the";
  });
  EXPECT_THAT(differences(), ElementsAre("dropped 2: rule: gopher_stop_words -> the filters of the recipe keep it",
                                         "rows: test/en/natural/dropped/gopher_stop_words: bytes: 13 -> 11"));
}

TEST_F(RecountTest, ADuplicateWithAnotherTextOrSurvivorIsNamed) {
  change_dropped([](DroppedDocument& dropped) {
    if (dropped.document.id == "5") dropped.survivor = "1";
  });
  std::vector<std::string> numbers;
  for (const RecountDifference& one : recount(run_dir(), recipe_, nullptr).differences) numbers.push_back(one.number);
  EXPECT_THAT(numbers, ElementsAre("dropped 4: exact_duplicate: copies", "dropped 5: exact_duplicate: text",
                                   "dropped 5: exact_duplicate: copies"));
}

TEST_F(RecountTest, AMissingDocumentIsNamedByItsRow) {
  write_documents(train_path(run_dir()), {});
  EXPECT_THAT(differences(), testing::Contains("rows: test/en/natural/train: documents: 1 -> 0"));
}

}  // namespace
}  // namespace reprise::data
