// Which documents share text with evaluation sets, and what is said about them.

#include "reprise/data_pipeline/decontamination.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "corpus_fixture.h"
#include "eval_examples.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kQuestion[] =
    "Which of these animals sleeps through the whole winter in a hole under the snow?";  // 15 words

class Decontamination : public CorpusFixture {
 protected:
  std::string file(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((corpus_dir() / name).parent_path());
    std::ofstream(corpus_dir() / name, std::ios::binary) << content;
    return (corpus_dir() / name).string();
  }
  std::vector<std::vector<std::string>> examples_of(const std::string& path) {
    std::vector<std::vector<std::string>> examples;
    for_each_example(path, [&](std::uint64_t number, std::span<const std::string_view> texts) {
      examples.push_back({std::to_string(number)});
      examples.back().insert(examples.back().end(), texts.begin(), texts.end());
    });
    return examples;
  }
  static EvalIndex index_of(std::uint32_t ngram, const std::vector<std::string>& texts) {
    EvalIndex index(ngram);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string_view text = texts[i];
      index.add_example("task", i + 1, std::span(&text, 1));
    }
    index.finish();
    return index;
  }
  DecontaminationResult run(const std::string& against, const std::string& input, bool tag = false) {
    DecontaminationOptions options;
    options.tag = tag;
    options.files.output_dir = run_dir();
    const std::vector<std::string> evals = {against};
    const std::vector<std::string> files = {input};
    return decontaminate_files(evals, files, options, no_progress());
  }
};

TEST_F(Decontamination, AnExampleIsALineARecordOrAnElementAndAllItsStringsAreSearched) {
  EXPECT_THAT(examples_of(file("a.jsonl", "{\"q\":\"one\",\"c\":[\"two\",{\"x\":\"three\"}],\"n\":4}\n\n[\"five\"]\n")),
              ElementsAre(ElementsAre("1", "one", "two", "three"), ElementsAre("3", "five")));
  EXPECT_THAT(examples_of(file("b.json", R"({"canary":"no","examples":[{"input":"one","target":"two"},"three"]})")),
              ElementsAre(ElementsAre("1", "one", "two"), ElementsAre("2", "three")));
  EXPECT_THAT(examples_of(file("c.csv", "q,a\n\"one, \"\"and\"\"\ntwo\",three\n")),
              ElementsAre(ElementsAre("1", "q", "a"), ElementsAre("2", "\"one, \"\"and\"\"\ntwo\"", "three")));
  EXPECT_THAT(examples_of(file("d.txt", "one\n\ntwo")), ElementsAre(ElementsAre("1", "one"), ElementsAre("3", "two")));
}

TEST_F(Decontamination, AFileThatIsTooLargeForMemoryIsRefusedByItsName) {
  const std::string path = file("large.txt", "one\ntwo");
  const auto ignore = [](std::uint64_t, std::span<const std::string_view>) {};
  EXPECT_NO_THROW(for_each_example(path, ignore, 7));
  try {
    for_each_example(path, ignore, 6);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), HasSubstr("large.txt holds more than 6 bytes"));
  }
}

TEST_F(Decontamination, AByteOrderMarkIsNoPartOfTheFirstExample) {
  EXPECT_THAT(examples_of(file("a.txt", "\uFEFFone")), ElementsAre(ElementsAre("1", "one")));
  EXPECT_THAT(examples_of(file("a.jsonl", "\uFEFF[\"one\"]")), ElementsAre(ElementsAre("1", "one")));
  EXPECT_THAT(examples_of(file("a.json", "\uFEFF[\"one\"]")), ElementsAre(ElementsAre("1", "one")));
}

TEST_F(Decontamination, ExamplesAreTakenFromEveryArrayOfAJsonFile) {
  EXPECT_THAT(examples_of(file("task.json", R"({"keywords":["k"],"n":1,"splits":{"train":[{"q":["one","two"]}],)"
                                            R"("test":["three"]}})")),
              ElementsAre(ElementsAre("1", "k"), ElementsAre("2", "one", "two"), ElementsAre("3", "three")));
}

TEST_F(Decontamination, AnElementWithoutATextIsNoExampleAndKeepsItsNumber) {
  EXPECT_THAT(examples_of(file("a.json", R"({"labels":[0,1],"examples":[{"q":"one"},{"n":2},{"q":"three"}]})")),
              ElementsAre(ElementsAre("3", "one"), ElementsAre("5", "three")));
}

TEST_F(Decontamination, BadEvaluationFilesAreNamed) {
  EXPECT_THAT(error_of([&] { examples_of(file("a.jsonl", "{}\n{\n")); }).what(), HasSubstr("a.jsonl:2"));
  EXPECT_THAT(error_of([&] { examples_of(file("a.json", "{\"a\":1}")); }).what(), HasSubstr("holds no array"));
  EXPECT_THAT(error_of([&] { examples_of(file("a.parquet", "PAR1")); }).what(), HasSubstr("unknown type"));
}

TEST_F(Decontamination, ATaskIsCalledByItsFileOrItsFolder) {
  EXPECT_EQ(task_name("eval/arc_easy.jsonl.zst"), "arc_easy");
  EXPECT_EQ(task_name("eval/boolq/validation.jsonl.zst"), "boolq/validation");
  EXPECT_EQ(task_name("eval/boolq/val.json"), "boolq/val");
  EXPECT_EQ(task_name("eval/xquad.ar.json.gz"), "xquad.ar");
}

TEST_F(Decontamination, FilesOfOneNameAreTasksOfTheirOwn) {
  EvalIndex index(5);
  for (const char* name : {"a/quiz.txt", "b/quiz.txt", "c/b/quiz.txt"}) index.add_file(file(name, "one"));
  EXPECT_EQ(index.name(0), "quiz:1");
  EXPECT_EQ(index.name(1), "b/quiz:1");
  EXPECT_EQ(index.name(2), "b/quiz-2:1");
}

TEST_F(Decontamination, TextsMeetWhateverTheirCasePunctuationAndNumbers) {
  const EvalIndex index = index_of(5, {"In 1999, the quick Brown fox."});
  EXPECT_EQ(index.overlap("xx in 7 THE quick... brown fox yy").num_ngrams, 2u);
  EXPECT_EQ(index.overlap("in 7 the quick red fox").num_ngrams, 0u);
  EXPECT_THAT(index.overlap("the quick brown fox").examples, IsEmpty()) << "four words are no 5-gram";
}

TEST_F(Decontamination, NgramsDoNotReachFromOneTextOfAnExampleIntoTheNext) {
  EvalIndex index(4);
  const std::vector<std::string_view> texts = {"one two", "three four"};
  index.add_example("task", 1, texts);
  index.finish();
  EXPECT_EQ(index.overlap("one two three four").num_ngrams, 0u);
  EXPECT_TRUE(index.is_too_short(0));
}

TEST_F(Decontamination, DifferentNgramsAreCountedOnceAndAllTheirExamplesNamed) {
  const EvalIndex index = index_of(3, {"a b c d", "x b c d", "p q r"});
  const Overlap overlap = index.overlap("a b c d ... a b c d");
  EXPECT_EQ(overlap.num_ngrams, 2u);
  EXPECT_THAT(overlap.examples, ElementsAre(0u, 1u));
  EXPECT_EQ(index.name(overlap.examples[1]), "task:2");
}

TEST_F(Decontamination, ContaminatedDocumentsAreDroppedWithTheirExample) {
  const std::string eval =
      file("eval/quiz.jsonl", "{\"question\":\"short\"}\n{\"question\":\"" + std::string(kQuestion) + "\"}\n");
  const std::string input =
      file("in.jsonl", dolma_line("b", "Quiz night! " + std::string(kQuestion) + " The dormouse.") + "\n" +
                           dolma_line("a", "Nothing of the kind.") + "\n");
  const DecontaminationResult result = run(eval, input);
  EXPECT_EQ(result.num_contaminated, 1u);
  EXPECT_EQ(result.num_too_short, 1u);
  EXPECT_EQ(result.pass.num_kept, 1u);
  std::vector<DroppedDocument> dropped_documents;
  for_each_dropped(run_dir() / "dropped.jsonl.zst", [&](const DroppedDocument& d) { dropped_documents.push_back(d); });
  ASSERT_EQ(dropped_documents.size(), 1u);
  EXPECT_EQ(dropped_documents[0].document.id, "b");
  EXPECT_EQ(dropped_documents[0].drop.rule, "eval_contamination");
  EXPECT_EQ(dropped_documents[0].drop.value, 3) << "15 words hold three 13-grams";
  EXPECT_EQ(dropped_documents[0].survivor, "quiz:2");
  const auto report = nlohmann::json::parse(read_file(run_dir() / "contamination.json"));
  EXPECT_EQ(report.at("tasks").at("quiz").dump(), R"({"examples":2,"found":1,"too_short":1})");
  EXPECT_EQ(report.at("examples").dump(), R"([{"documents":1,"example":2,"first_ids":["b"],"task":"quiz"}])");
}

TEST_F(Decontamination, TaggedDocumentsStayAndSaySo) {
  const std::string eval = file("quiz.txt", kQuestion);
  const DecontaminationResult result = run(eval, file("in.jsonl", dolma_line("b", kQuestion)), true);
  EXPECT_EQ(result.pass.num_kept, 1u);
  std::vector<std::string> ids;
  for_each_document(run_dir() / "kept.jsonl.zst", [&](const Document& d) { ids.push_back(d.id); });
  EXPECT_THAT(ids, ElementsAre("b"));
  EXPECT_THAT(read_file(run_dir() / "contamination.json"), HasSubstr("\"id\": \"b\""));
}

TEST_F(Decontamination, ABuildDropsContaminatedDocumentsWhereTheRecipeSaysSo) {
  add_file("a.jsonl", {dolma_line("1", kQuestion), dolma_line("2", "clean")});
  const std::string content = std::string("{\"q\":\"") + kQuestion + "\"}";
  file("test.jsonl", content);
  configs::Decontamination& config = *recipe_.mutable_decontamination();
  config.add_against()->set_path("test.jsonl");
  config.mutable_against(0)->set_sha256(std::string(64, '0'));
  EXPECT_THAT(error_of([&] { build(); }).what(), HasSubstr("evaluation file differs"));
  accept_changed_corpus_ = true;
  EXPECT_THAT(build().mismatched_files, ElementsAre("test.jsonl"));
  accept_changed_corpus_ = false;
  config.mutable_against(0)->set_sha256(sha256(std::string_view(content)).hex());
  build();
  ASSERT_EQ(dropped().size(), 1u);
  EXPECT_EQ(dropped()[0].survivor, "test:1") << "the name of the corpus folder decides no bit";
  config.set_action("tag");
  build();
  EXPECT_TRUE(dropped().empty());
  EXPECT_TRUE(std::filesystem::exists(run_dir() / "data" / "contamination.json"));
}

}  // namespace
}  // namespace reprise::data
