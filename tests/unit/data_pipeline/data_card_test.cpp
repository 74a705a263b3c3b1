#include "reprise/data_pipeline/data_card.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "corpus_fixture.h"
#include "filter_vectors.h"
#include "reprise/core/files.h"
#include "reprise/core/hash.h"

namespace reprise::data {
namespace {

class DataCard : public CorpusFixture {
 protected:
  void SetUp() override {
    CorpusFixture::SetUp();
    *recipe_.add_filter() = only("gopher_quality", "gopher_stop_words");
    add_file("a.jsonl", {dolma_line("1", "the cat and the dog"), dolma_line("2", "no such words")});
    build();
    whole_.set_name("small");
    *whole_.mutable_data() = recipe_;
  }
  nlohmann::json card() const { return nlohmann::json::parse(data_card_json(run_dir(), whole_)); }

  configs::Recipe whole_;
};

TEST_F(DataCard, NamesEveryFileWithItsHash) {
  const nlohmann::json distribution = card()["distribution"];
  ASSERT_EQ(distribution.size(), 3u);
  for (const nlohmann::json& file : distribution) {
    const std::string bytes = read_file(run_dir() / file["contentUrl"].get<std::string>());
    EXPECT_EQ(file["sha256"], sha256(bytes).hex());
  }
}

TEST_F(DataCard, CountsWhatTheReportCounts) {
  const nlohmann::json counts = card()["reprise:counts"];
  EXPECT_EQ(counts["by_source"]["test"]["train"]["documents"], 1);
  EXPECT_EQ(counts["by_rule"]["gopher_stop_words"]["dropped"]["bytes"], 13);
}

TEST_F(DataCard, EveryFieldIsTakenFromAFileOfTheDistribution) {
  const nlohmann::json card = this->card();
  std::set<std::string> files;
  for (const nlohmann::json& file : card["distribution"]) files.insert(file["@id"]);
  int fields = 0;
  for (const nlohmann::json& records : card["recordSet"]) {
    for (const nlohmann::json& field : records["field"]) {
      ++fields;
      EXPECT_TRUE(files.contains(field["source"]["fileObject"]["@id"])) << field.dump();
    }
  }
  EXPECT_EQ(fields, 3 * 8 + 4);
}

TEST_F(DataCard, ShowsTheMixtureOfARecipeThatHasOne) {
  EXPECT_FALSE(card().contains("reprise:mixture"));
  whole_.mutable_train()->add_group()->set_name("all");
  EXPECT_EQ(card()["reprise:mixture"], "group {\n  name: \"all\"\n}\n");
}

TEST_F(DataCard, IsTheSameForTheSameBuild) {
  const std::string first = data_card_json(run_dir(), whole_);
  build();
  EXPECT_EQ(data_card_json(run_dir(), whole_), first);
}

}  // namespace
}  // namespace reprise::data
