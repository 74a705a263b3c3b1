// The whole document pipeline on small corpora.

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "corpus_fixture.h"
#include "filter_vectors.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/report.h"
#include "reprise/data_pipeline/selection.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Build : public CorpusFixture {
 protected:
  static std::string id_of(const Document& document) { return document.id; }

  std::vector<std::string> train_ids() const {
    std::vector<std::string> ids;
    for (const Document& document : train()) ids.push_back(document.id);
    return ids;
  }
};

TEST_F(Build, GivesDocumentsWithoutAKindThatOfTheirFile) {
  add_file("a.jsonl", {R"({"id":"a1","text":"A text without a kind."})", dolma_line("a2", "A text with one.", "en", "natural")});
  recipe_.mutable_file(0)->set_kind("code");
  std::vector<std::string> kinds;
  build();
  for (const Document& document : train()) kinds.push_back(document.id + " " + document.kind);
  EXPECT_THAT(kinds, ElementsAre("a1 code", "a2 natural"));
}

/// Documents of every fate: kept, held out, too short, duplicate, edited.
std::vector<std::string> mixed_lines() {
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i) {
    const std::string id = "doc" + std::to_string(100 + i);
    std::string text = "The words of document " + std::to_string(i % 40) + " are here. And that is it. So be it.";
    if (i % 7 == 0) text = "Short.";
    if (i % 5 == 0) text += "\nno mark at all";
    lines.push_back(dolma_line(id, text, i % 3 == 0 ? "es" : "en", i % 11 == 0 ? "code" : "natural"));
  }
  return lines;
}

void use_mixed_recipe(configs::DataRecipe& recipe) {
  recipe.set_held_out_fraction(0.2);
  *recipe.add_filter() = rule_of("c4", "c4-tfds", {"c4_page_length"});
  recipe.mutable_filter(0)->add_language("en");
}

TEST_F(Build, SortsDocumentsById) {
  add_file("a.jsonl",
           {dolma_line("b", "two"), dolma_line("B", "one"), dolma_line("a\u00E9", "four"), dolma_line("az", "three")});
  build();
  EXPECT_THAT(train_ids(), ElementsAre("B", "az", "a\u00E9", "b"));
}

TEST_F(Build, GivesTheSameDigestsForShuffledFilesAndLines) {
  use_mixed_recipe(recipe_);
  std::vector<std::string> lines = mixed_lines();
  std::mt19937 random(20261121);
  std::vector<CorpusResult> results;
  for (int round = 0; round < 4; ++round) {
    recipe_.clear_file();
    const std::size_t cut = 10 + random() % 40;
    const auto middle = lines.begin() + static_cast<std::ptrdiff_t>(cut);
    add_file("a.jsonl.zst", {lines.begin(), middle});
    add_file("b.jsonl", {middle, lines.end()});
    if (round % 2 == 1) recipe_.mutable_file()->SwapElements(0, 1);
    results.push_back(build_into(run_dir() / std::to_string(round), 1 + round));
    std::shuffle(lines.begin(), lines.end(), random);
  }
  for (const CorpusResult& result : results) {
    EXPECT_EQ(result.kept, results[0].kept);
    EXPECT_EQ(result.held_out, results[0].held_out);
    EXPECT_EQ(result.dropped, results[0].dropped);
    EXPECT_EQ(result.report, results[0].report);
  }
  EXPECT_NE(results[1].corpus, results[0].corpus);  // the input files did change
  EXPECT_GT(results[0].num_kept, 0u);
  EXPECT_GT(results[0].num_held_out, 0u);
  EXPECT_GT(results[0].num_dropped, 0u);
}

TEST_F(Build, WritesTheSameBytesForTheSameInput) {
  use_mixed_recipe(recipe_);
  add_file("a.jsonl", mixed_lines());
  build_into(folder_ / "one", 1);
  build_into(folder_ / "two", 3);
  for (const char* name : {"train.jsonl.zst", "held_out.jsonl.zst", "dropped.jsonl.zst", "report.json"}) {
    EXPECT_EQ(read_file(folder_ / "one" / "data" / name), read_file(folder_ / "two" / "data" / name)) << name;
  }
}

TEST_F(Build, ChangesADigestWithAnyFieldOfADocument) {
  const std::vector<std::string> variants = {
      dolma_line("1", "text"),
      dolma_line("2", "text"),
      dolma_line("1", "texts"),
      dolma_line("1", "text", "es"),
      dolma_line("1", "text", "en", "code"),
      dolma_line("1", "text", "en", "natural", "other"),
  };
  std::set<Digest> digests;
  for (const std::string& line : variants) {
    recipe_.clear_file();
    add_file("a.jsonl", {line});
    digests.insert(build().kept);
  }
  EXPECT_EQ(digests.size(), variants.size());
}

TEST_F(Build, KeepsTheSmallestIdOfEqualTexts) {
  add_file("a.jsonl", {dolma_line("3", "same\r\n"), dolma_line("2", "\uFEFFsame"), dolma_line("4", "other")});
  add_file("b.jsonl", {dolma_line("1", "same  ", "es"), dolma_line("0", "different")});
  build();
  EXPECT_THAT(train_ids(), ElementsAre("0", "1", "4"));
  const std::vector<DroppedDocument> copies = dropped();
  ASSERT_EQ(copies.size(), 2u);
  for (const DroppedDocument& copy : copies) {
    EXPECT_EQ(copy.drop.rule, "exact_duplicate");
    EXPECT_EQ(copy.drop.value, 3);
    EXPECT_EQ(copy.drop.threshold, 1);
    EXPECT_EQ(copy.survivor, "1");
    EXPECT_EQ(copy.document.text, "same");
  }
  recipe_.set_exact_dedup(false);
  EXPECT_EQ(build().num_kept, 5u);
}

TEST_F(Build, ComparesTextsAsTheFiltersLeftThem) {
  *recipe_.add_filter() = only("c4", "c4_terminal_punctuation");
  add_file("a.jsonl", {dolma_line("1", "Same.\nno mark"), dolma_line("2", "another\nSame.")});
  build();
  EXPECT_THAT(train_ids(), ElementsAre("1"));
  EXPECT_EQ(dropped()[0].survivor, "1");
}

TEST_F(Build, HoldsOutTheSameIdsWhateverElseIsInTheCorpus) {
  recipe_.set_held_out_fraction(0.3);
  std::vector<std::string> lines;
  for (int i = 0; i < 50; ++i) lines.push_back(dolma_line(std::to_string(i), "text " + std::to_string(i)));
  add_file("a.jsonl", {lines.begin(), lines.begin() + 25});
  add_file("b.jsonl", {lines.begin() + 25, lines.end()});
  build();
  for (const Document& document : train()) EXPECT_FALSE(is_held_out(document.id, 0.3));
  std::uint64_t held_out = 0;
  for_each_document(held_out_path(run_dir()), [&](const Document& document) {
    EXPECT_TRUE(is_held_out(document.id, 0.3));
    ++held_out;
  });
  EXPECT_EQ(train().size() + held_out, 50u);
}

TEST_F(Build, KeepsTextRuleValueAndThresholdOfADroppedDocument) {
  *recipe_.add_filter() = rule_of("gopher_quality");
  const std::string text = "A \"quoted\" \\ text\twith\n\nlines, \u65E5\u672C and \U0001F600.";
  add_file("a.jsonl", {dolma_line("1", text), dolma_line("2", "the start and " + distinct_words(60))});
  build();
  const std::vector<DroppedDocument> documents = dropped();
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_EQ(documents[0].document.text, text);
  EXPECT_EQ(documents[0].drop.rule, "gopher_word_count");
  EXPECT_EQ(documents[0].drop.value, 9);
  EXPECT_EQ(documents[0].drop.threshold, 50);
  EXPECT_EQ(documents[0].document.source_line, 1u);
}

TEST_F(Build, WritesMeasuredValuesThatReadBackExactly) {
  *recipe_.add_filter() = only("gopher_quality", "gopher_alphabetic_words");
  add_file("a.jsonl", {dolma_line("1", "word 2 3"), dolma_line("2", "word")});
  build();
  EXPECT_EQ(dropped()[0].drop.value, 1.0 / 3.0);
}

TEST_F(Build, ReadsItsOwnResultBack) {
  use_mixed_recipe(recipe_);
  add_file("a.jsonl", mixed_lines());
  const CorpusResult built = build();
  const CorpusResult read = read_corpus_result(run_dir());
  EXPECT_EQ(read.corpus, built.corpus);
  EXPECT_EQ(read.kept, built.kept);
  EXPECT_EQ(read.held_out, built.held_out);
  EXPECT_EQ(read.dropped, built.dropped);
  EXPECT_EQ(read.report, built.report);
  EXPECT_EQ(read.num_kept + read.num_held_out + read.num_dropped, 60u);
}

TEST_F(Build, ShowsAChangedTextInTheDigestOfItsFileAlone) {
  use_mixed_recipe(recipe_);
  add_file("a.jsonl", mixed_lines());
  const CorpusResult built = build();
  std::vector<Document> documents = train();
  documents[3].text += "!";
  std::vector<const Document*> pointers;
  for (const Document& document : documents) pointers.push_back(&document);
  write_documents(train_path(run_dir()), pointers);
  const CorpusResult read = read_corpus_result(run_dir());
  EXPECT_NE(read.kept, built.kept);
  EXPECT_EQ(read.held_out, built.held_out);
  EXPECT_EQ(read.dropped, built.dropped);
}

TEST_F(Build, FollowsNoLinkInThePlaceOfAPartialFile) {
  add_file("a.jsonl", {dolma_line("a1", "A text.")});
  write_file_atomically(folder_ / "precious", "kept");
  make_folders(run_dir() / "data");
  std::filesystem::create_symlink(folder_ / "precious", partial_path(train_path(run_dir())));
  build();
  EXPECT_EQ(read_file(folder_ / "precious"), "kept");
  EXPECT_EQ(train().size(), 1u);
}

TEST_F(Build, FailsWhenNothingIsLeftForTraining) {
  *recipe_.add_filter() = rule_of("gopher_quality");
  add_file("a.jsonl", {dolma_line("1", "short")});
  const Error error = error_of([&] { build(); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("no document is left for training: 1 dropped"));
  EXPECT_EQ(dropped().size(), 1u);  // and it can be looked at
}

TEST_F(Build, RefusesAnUnknownNormalisation) {
  add_file("a.jsonl", {dolma_line("1", "one")});
  recipe_.set_normalisation("v2");
  EXPECT_EQ(error_of([&] { build(); }).kind(), ErrorKind::kConfig);
}

}  // namespace
}  // namespace reprise::data
