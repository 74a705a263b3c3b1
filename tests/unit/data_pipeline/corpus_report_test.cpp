#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "corpus_fixture.h"
#include "filter_vectors.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CorpusReport : public CorpusFixture {
 protected:
  void SetUp() override {
    CorpusFixture::SetUp();
    *recipe_.add_filter() = only("gopher_quality", "gopher_stop_words");
    recipe_.mutable_filter(0)->add_language("en");
    *recipe_.add_filter() = only("c4", "c4_javascript");
    add_file("a.jsonl", {dolma_line("1", "the cat and\njavascript\n dog"), dolma_line("2", "no such words"),
                         dolma_line("3", "el gato", "es", "natural", "other"), dolma_line("4", "el gato", "es")});
    build();
  }

  std::vector<std::string> rows() const {
    std::vector<std::string> lines;
    for (const ReportRow& row : read_report(run_dir()).rows) {
      lines.push_back(fmt::format("{}/{}/{}/{}/{}: {} {} {}", row.source, row.language, row.kind, row.split, row.rule,
                                  row.num_documents, row.num_bytes,
                                  row.num_tokens ? std::to_string(*row.num_tokens) : "-"));
    }
    return lines;
  }
};

TEST_F(CorpusReport, CountsDocumentsAndBytesPerSourceLanguageKindSplitAndRule) {
  EXPECT_THAT(rows(), ElementsAre("other/es/natural/train/: 1 7 -", "test/en/natural/dropped/gopher_stop_words: 1 13 -",
                                  "test/en/natural/train/: 1 15 -", "test/es/natural/dropped/exact_duplicate: 1 7 -"));
}

TEST_F(CorpusReport, CountsWhatWasEditedOutOfKeptDocuments) {
  const Report report = read_report(run_dir());
  ASSERT_EQ(report.edits.size(), 2u);
  EXPECT_EQ(report.edits[0].rule, "c4_javascript");
  EXPECT_EQ(report.edits[0].num_documents, 1u);
  EXPECT_EQ(report.edits[0].num_lines, 1u);
  EXPECT_EQ(report.edits[0].num_bytes, 11u);
  EXPECT_EQ(report.edits[1].rule, "c4_white_space");
  EXPECT_EQ(report.edits[1].num_bytes, 1u);
}

TEST_F(CorpusReport, SumsRowsBySourceLanguageKindAndRule) {
  const auto json = nlohmann::json::parse(read_file(report_path(run_dir())));
  EXPECT_EQ(json["by_source"]["test"]["dropped"]["documents"], 2);
  EXPECT_EQ(json["by_lang"]["es"]["train"]["bytes"], 7);
  EXPECT_EQ(json["by_kind"]["natural"]["train"]["documents"], 2);
  EXPECT_EQ(json["by_rule"]["exact_duplicate"]["dropped"]["documents"], 1);
  EXPECT_EQ(json["inputs"][0]["documents"], 4);
}

TEST_F(CorpusReport, NamesFiltersWhoseKindAndLanguageNoDocumentHas) {
  const Report report = read_report(run_dir());
  EXPECT_THAT(filters_without_documents(recipe_, report), ElementsAre()) << "one is for en, one for all";
  recipe_.mutable_filter(0)->set_language(0, "En");
  recipe_.mutable_filter(0)->add_kind("natural");
  recipe_.mutable_filter(1)->add_kind("prose");
  EXPECT_THAT(
      filters_without_documents(recipe_, report),
      ElementsAre("recipe.data.filter[0] (gopher_quality) judges none of 4 documents: it is for those of "
                  "metadata.kind \"natural\" and metadata.lang \"En\"; "
                  "there are \"natural\" and \"en\" (2), \"natural\" and \"es\" (2)",
                  testing::StartsWith("recipe.data.filter[1] (c4) judges none of 4 documents: it is for those of "
                                      "metadata.kind \"prose\"; ")));
}

TEST_F(CorpusReport, TakesTokenCountsAndGivesANewDigest) {
  const Digest before = read_corpus_result(run_dir()).report;
  const std::vector<TokenCount> counts = {{"1", 5}, {"2", 4}, {"3", 2}, {"4", 2}};
  const Digest after = add_token_counts(run_dir(), counts);
  EXPECT_NE(after, before);
  EXPECT_EQ(read_corpus_result(run_dir()).report, after);
  EXPECT_THAT(rows(), ElementsAre("other/es/natural/train/: 1 7 2", "test/en/natural/dropped/gopher_stop_words: 1 13 4",
                                  "test/en/natural/train/: 1 15 5", "test/es/natural/dropped/exact_duplicate: 1 7 2"));
  EXPECT_EQ(add_token_counts(run_dir(), counts), after);
}

TEST_F(CorpusReport, WantsOneTokenCountForEachDocument) {
  const std::vector<TokenCount> too_few = {{"1", 5}};
  EXPECT_THAT(error_of([&] { add_token_counts(run_dir(), too_few); }).what(), HasSubstr("no token count"));
  const std::vector<TokenCount> too_many = {{"1", 5}, {"2", 4}, {"3", 2}, {"4", 2}, {"5", 2}};
  EXPECT_THAT(error_of([&] { add_token_counts(run_dir(), too_many); }).what(), HasSubstr("without a document"));
}

TEST_F(CorpusReport, IsCorruptWhenASumDoesNotFollowFromTheRows) {
  auto json = nlohmann::json::parse(read_file(report_path(run_dir())));
  json["by_kind"]["natural"]["train"]["documents"] = 3;
  std::ofstream(report_path(run_dir())) << json.dump();
  EXPECT_EQ(error_of([&] { read_report(run_dir()); }).kind(), ErrorKind::kCorrupt);
  std::ofstream(report_path(run_dir())) << "{\"format\":";
  EXPECT_EQ(error_of([&] { read_report(run_dir()); }).kind(), ErrorKind::kCorrupt);
  std::ofstream(report_path(run_dir())) << "{\"format\":" << std::string(200'000, '[') << std::string(200'000, ']')
                                        << '}';
  EXPECT_THAT(error_of([&] { read_report(run_dir()); }).what(), HasSubstr("nest more than"));
}

TEST_F(CorpusReport, PrintsTables) {
  const std::string tables = report_tables(read_report(run_dir()));
  EXPECT_THAT(tables, HasSubstr("  gopher_stop_words     1     13\n"));
  EXPECT_THAT(tables, HasSubstr("a.jsonl"));
  EXPECT_THAT(tables, HasSubstr("as in the recipe"));
}

TEST_F(CorpusReport, PrintsTokensOnceTheyAreCounted) {
  add_token_counts(run_dir(), std::vector<TokenCount>{{"1", 5}, {"2", 4}, {"3", 2}, {"4", 2}});
  const std::string tables = report_tables(read_report(run_dir()));
  EXPECT_THAT(tables, HasSubstr("  gopher_stop_words     1     13       4\n"));
}

}  // namespace
}  // namespace reprise::data
