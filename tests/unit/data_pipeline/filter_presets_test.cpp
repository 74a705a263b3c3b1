// Whole chains by name, and what they say about the documents of files.

#include "reprise/data_pipeline/filter_presets.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "corpus_fixture.h"
#include "filter_vectors.h"
#include "reprise/data_pipeline/filter_files.h"

namespace reprise::data {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

std::filesystem::path write_file(const std::string& name, const std::string& content) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "filter_presets";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << content;
  return folder / name;
}

struct Seen {
  std::vector<Document> documents;
  std::vector<Judgement> judgements;
  FilterCounts counts;
};

Seen filter(const std::string& preset, const std::vector<std::filesystem::path>& files, bool explain) {
  Seen seen;
  seen.counts = filter_files(FilterChain(find_filter_preset(preset).rules), {files, explain},
                             [&](const Document& document, const Judgement& judgement) {
                               seen.documents.push_back(document);
                               seen.judgements.push_back(judgement);
                             });
  return seen;
}

const char* const kProse =
    "It was the best of times, and it was the worst of times, to be sure. Nobody said otherwise that year.\n"
    "Others have said with some care that it was an age of doubt! Was it an age of hope? Few people would know.\n"
    "In the end every one of us went home, each by another road, and slept until the late morning bells rang.\n";

TEST(FilterPresets, AreTheSevenPublishedChains) {
  std::vector<std::string> names;
  for (const FilterPreset& preset : filter_presets()) names.push_back(preset.name);
  EXPECT_THAT(names, ElementsAre("gopher-paper", "dolma-v1.5-as-written", "dolma-v1.5-intended", "c4-paper", "c4-tfds",
                                 "fineweb", "dclm-heuristics"));
  EXPECT_EQ(recipe_text(find_filter_preset("fineweb")),
            "filter { name: \"gopher_repetition\" preset: \"fineweb\" }\n"
            "filter { name: \"gopher_quality\" preset: \"fineweb\" }\n"
            "filter { name: \"c4\" preset: \"fineweb\" disable: \"c4_terminal_punctuation\" }\n"
            "filter { name: \"fineweb_quality\" preset: \"fineweb\" }\n"
            "filter { name: \"pii\" preset: \"fineweb\" }\n");
}

TEST(FilterPresets, SuggestTheNearestName) {
  const Error error = error_of([] { find_filter_preset("gofer-paper"); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.what(), HasSubstr("gofer-paper"));
  EXPECT_EQ(error.hint(), "did you mean \"gopher-paper\"?");
  EXPECT_THAT(error_of([] { find_filter_preset("x"); }).hint(), HasSubstr("--list"));
}

TEST(FilterPresets, KeepOrdinaryProseAndDropWhatHasNoText) {
  const auto prose = write_file("prose.txt", kProse);
  const auto blank = write_file("blank.txt", " \n\t\n");
  for (const FilterPreset& preset : filter_presets()) {
    const Seen seen = filter(preset.name, {prose, blank}, false);
    EXPECT_FALSE(seen.judgements[0].drop.has_value()) << preset.name << " " << seen.judgements[0].drop->rule;
    EXPECT_EQ(seen.judgements[1].drop->rule, "empty_text");
    EXPECT_EQ(seen.counts.num_kept, 1u);
    EXPECT_EQ(seen.counts.num_dropped, 1u);
    EXPECT_EQ(seen.counts.dropped_by.at("empty_text"), 1u);
  }
}

TEST(FilterPresets, ExplainEveryRuleOfEveryFilterWithTheSameVerdict) {
  const auto file = write_file("short.txt", "# one # two\n");
  const Seen quick = filter("fineweb", {file}, false);
  const Seen whole = filter("fineweb", {file}, true);
  EXPECT_EQ(quick.judgements[0].drop->rule, whole.judgements[0].drop->rule);
  EXPECT_TRUE(quick.judgements[0].measures.empty());
  std::vector<std::string> rules;
  for (const Measure& measure : whole.judgements[0].measures) rules.push_back(measure.rule);
  EXPECT_THAT(rules,
              testing::IsSupersetOf({"gopher_duplicate_lines", "gopher_top_ngrams.2", "gopher_duplicate_ngrams.10",
                                     "gopher_word_count", "gopher_stop_words", "c4_lorem_ipsum", "c4_curly_bracket",
                                     "c4_min_sentences", "fineweb_terminal_lines", "fineweb_newlines_per_word"}));
  EXPECT_EQ(whole.judgements[0].drop->rule, "gopher_word_count");
}

TEST(FilterPresets, GiveEveryMeasureOfKeptProseAPassingVerdict) {
  const auto file = write_file("prose.txt", kProse);
  for (const FilterPreset& preset : filter_presets()) {
    const Seen seen = filter(preset.name, {file}, true);
    EXPECT_THAT(seen.judgements[0].measures, Each(testing::Field(&Measure::kept, true))) << preset.name;
  }
}

TEST(FilterFiles, TellOfADocumentWithoutTheControlCharactersOfItsId) {
  const auto file = write_file("title.jsonl", "{\"id\":\"\\u001b]0;title\\u0007\",\"text\":\"\"}\n");
  const Seen seen = filter("gopher-paper", {file}, true);
  EXPECT_THAT(judgement_text(seen.documents.at(0), seen.judgements.at(0)),
              testing::StartsWith("\\u001b]0;title\\u0007  title.jsonl:1  dropped"));
}

TEST(FilterFiles, ReadDocumentsOfJsonLinesAndTellWhereTheyStand) {
  const auto file = write_file("two.jsonl", "{\"id\":\"a\",\"text\":\"short\"}\n\n{\"id\":\"b\",\"text\":\"\"}\n");
  const Seen seen = filter("gopher-paper", {file}, true);
  ASSERT_EQ(seen.documents.size(), 2u);
  EXPECT_THAT(judgement_text(seen.documents[1], seen.judgements[1]),
              testing::StartsWith("b  two.jsonl:3  dropped by empty_text: 0, threshold 1\n  empty_text "));
  const auto json = nlohmann::json::parse(judgement_json(seen.documents[0], seen.judgements[0]));
  EXPECT_EQ(json["id"], "a");
  EXPECT_EQ(json["line"], 1);
  EXPECT_EQ(json["kept"], false);
  EXPECT_EQ(json["rule"], "gopher_word_count");
  EXPECT_EQ(json["value"], 1);
  EXPECT_EQ(json["rules"][0]["rule"], "gopher_word_count");
  EXPECT_EQ(json["rules"][0]["keeps"], ">=");
  EXPECT_EQ(json["rules"][0]["threshold"], 50);
  EXPECT_EQ(json["rules"][0]["kept"], false);
}

TEST(FilterFiles, AreDocumentsByEachOfTheirNamesAndNoTextByTheNameOfAnotherFormat) {
  for (const char* name : {"two.json", "two.ndjson"}) {
    const auto file = write_file(name, "{\"id\":\"a\",\"text\":\"short\"}\n{\"id\":\"b\",\"text\":\"\"}\n");
    EXPECT_EQ(filter("gopher-paper", {file}, false).documents.size(), 2u) << name;
  }
  for (const char* name : {"two.jsonl.bz2", "two.parquet"}) {
    const auto file = write_file(name, "PAR1");
    EXPECT_THAT(error_of([&] { filter("gopher-paper", {file}, false); }).what(), HasSubstr(file.string())) << name;
  }
  const auto packed = write_file("short.txt.gz", "no gzip");
  EXPECT_THAT(error_of([&] { filter("gopher-paper", {packed}, false); }).what(), HasSubstr("gzip"));
}

TEST(FilterFiles, NameTheByteThatIsNotUtf8) {
  const auto file = write_file("latin.txt", "caf\xE9 au lait");
  const Error error = error_of([&] { filter("c4-paper", {file}, false); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("latin.txt: byte 0xe9 at byte 3"));
  EXPECT_EQ(error_of([&] { filter("c4-paper", {file.parent_path() / "missing.txt"}, false); }).kind(), ErrorKind::kIo);
}

TEST(FilterChain, CountsEditsOfADroppedTextOnlyToExplain) {
  const configs::FilterRule rule = rule_of("c4");
  const FilterChain chain(std::span(&rule, 1));
  Document document;
  document.text = "no mark\nToo short a page.";
  Edits edits;
  EXPECT_EQ(chain.apply(document, edits)->rule, "c4_min_sentences");
  EXPECT_TRUE(edits.empty());
  const Judgement judgement = chain.explain(document);
  EXPECT_EQ(judgement.drop->rule, "c4_min_sentences");
  EXPECT_EQ(judgement.edits.at("c4_terminal_punctuation").num_lines, 1u);
  EXPECT_EQ(document.text, "no mark\nToo short a page.");
}

}  // namespace
}  // namespace reprise::data
