// URL lists and language labels in a build.

#include <gmock/gmock.h>

#include "corpus_fixture.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/label_corpus.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Takes the first word of a text for its language, and its second for the share.
class FirstWordDetector : public LanguageDetector {
 public:
  DetectorIdentity identity() const override { return {"first_word", "1", "none"}; }
  LanguageLabel detect(std::string_view text) const override {
    const std::size_t space = text.find(' ');
    return {std::string(text.substr(0, space)),
            static_cast<std::uint32_t>(std::stoul(std::string(text.substr(space))))};
  }
};

class Judge : public CorpusFixture {
 protected:
  void label() {
    BuildOptions options;
    options.corpus_dir = corpus_dir();
    label_corpus(recipe_, options, FirstWordDetector(), no_progress()).write(corpus_dir() / "labels.jsonl");
    recipe_.mutable_languages()->set_path("labels.jsonl");
    recipe_.mutable_languages()->set_sha256(sha256(read_file(corpus_dir() / "labels.jsonl")).hex());
  }
  void add_list(const std::string& name, const std::string& content) {
    write_file_atomically(corpus_dir() / name, content);
    configs::UrlList* list = recipe_.add_url_list();
    list->set_path(name);
    list->set_sha256(sha256(std::string_view(content)).hex());
  }
  static std::string line_at(const std::string& id, const std::string& url) {
    return R"({"id":")" + id + R"(","text":"en 90 )" + id + R"(","source":"s","metadata":{"url":")" + url + R"("}})";
  }
};

TEST_F(Judge, DropsDocumentsWhoseAddressIsOnAList) {
  add_list("bad.txt", "bad.example\n");
  add_file("a.jsonl", {line_at("1", "https://good.example/x"), line_at("2", "https://www.bad.example/y"),
                       line_at("3", "http://sub.bad.example/")});
  EXPECT_EQ(build().num_kept, 1u);
  ASSERT_EQ(dropped().size(), 2u);
  EXPECT_THAT(dropped()[0].drop.rule, HasSubstr("url_"));
}

TEST_F(Judge, NamesAChangedListThatIsAcceptedAndJudgesAnew) {
  accept_changed_corpus_ = true;
  add_list("bad.txt", "bad.example\n");
  add_file("a.jsonl", {line_at("1", "https://good.example/x"), line_at("2", "https://bad.example/y")});
  EXPECT_THAT(build().mismatched_files, ElementsAre());
  ASSERT_EQ(dropped()[0].document.id, "2");
  write_file_atomically(corpus_dir() / "bad.txt", "good.example\n");
  EXPECT_THAT(build().mismatched_files, ElementsAre("bad.txt"));
  EXPECT_EQ(dropped()[0].document.id, "1") << "a verdict of the earlier list was taken";
}

TEST_F(Judge, RefusesAListThatIsNotTheOneOfTheRecipe) {
  add_list("bad.txt", "bad.example\n");
  write_file_atomically(corpus_dir() / "bad.txt", "other.example\n");
  add_file("a.jsonl", {line_at("1", "https://good.example/x")});
  const Error error = error_of([&] { build(); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("bad.txt"));
  EXPECT_THAT(error.hint(), HasSubstr("--set recipe.data.url_list[0].sha256="));
}

TEST_F(Judge, KeepsTheLanguagesThatTheRecipeNamesFromTheShareOn) {
  add_file("a.jsonl", {dolma_line("1", "en 90 first"), dolma_line("2", "en 64 second"), dolma_line("3", "fr 99 third"),
                       dolma_line("4", "es 65 fourth")});
  label();
  recipe_.mutable_languages()->add_keep("en");
  recipe_.mutable_languages()->add_keep("es");
  build();
  const std::vector<DroppedDocument> documents = dropped();
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(documents[0].document.id, "2");
  EXPECT_EQ(documents[0].drop.rule, "language");
  EXPECT_EQ(documents[0].drop.value, 0.64);
  EXPECT_EQ(documents[0].drop.threshold, 0.65);
  EXPECT_EQ(documents[1].drop.value, 0);  // of it is in a language that is kept
}

TEST_F(Judge, PutsTheLabelInThePlaceOfTheDeclaredLanguage) {
  add_file("a.jsonl", {dolma_line("1", "fr 90 first", "en")});
  label();
  build();
  EXPECT_EQ(train()[0].language, "fr");
  recipe_.mutable_languages()->set_replace_lang(false);
  build();
  EXPECT_EQ(train()[0].language, "en");
}

TEST_F(Judge, LeavesOtherKindsAlone) {
  recipe_.mutable_languages()->add_kind("natural");
  add_file("a.jsonl", {dolma_line("1", "en 90 prose", "en"), dolma_line("2", "no label is needed", "C", "code")});
  label();
  recipe_.mutable_languages()->add_keep("en");
  EXPECT_EQ(build().num_kept, 2u);
}

TEST_F(Judge, NamesATextThatHasNoLabel) {
  add_file("a.jsonl", {dolma_line("1", "en 90 first")});
  label();
  recipe_.clear_file();
  add_file("b.jsonl", {dolma_line("1", "en 90 first"), dolma_line("2", "en 90 second")});
  const Error error = error_of([&] { build(); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("b.jsonl:2"));
  EXPECT_THAT(error.hint(), HasSubstr("reprise data label"));
}

}  // namespace
}  // namespace reprise::data
