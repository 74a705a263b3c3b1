#include <gmock/gmock.h>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class TokenizerFile : public ::testing::Test {
 protected:
  Tokenizer load(const std::string& text) const {
    write_file_atomically(path(), text);
    return Tokenizer::load(path());
  }

  /// What load says about the file after `change`.
  template <typename Change>
  std::string complaint(Change&& change) const {
    json root = json::parse(small_tokenizer().json());
    change(root);
    return complaint_about(root.dump());
  }

  std::string complaint_about(const std::string& text) const {
    try {
      load(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_FALSE(error.hint().empty());
      EXPECT_THAT(error.what(), HasSubstr(path().string()));
      return error.what();
    }
    return "accepted";
  }

  std::filesystem::path path() const { return folder_.path() / "tokenizer.json"; }

 private:
  TemporaryFolder folder_;
};

TEST_F(TokenizerFile, IsReadBackToTheSameTokenizer) {
  const Tokenizer tokenizer = load(small_tokenizer().json());
  EXPECT_EQ(tokenizer.digest(), small_tokenizer().digest());
  EXPECT_EQ(tokenizer.json(), small_tokenizer().json());
  EXPECT_EQ(tokenizer.vocab_size(), 400u);
  for (const auto& encoding : tokenizer_vectors().at("encodings")) {
    const std::string text = encoding.at("text");
    EXPECT_EQ(tokenizer.encode(text), small_tokenizer().encode(text));
  }
}

TEST_F(TokenizerFile, MayHaveAnotherLayoutAndMergesAsText) {
  json root = json::parse(small_tokenizer().json());
  for (json& merge : root["model"]["merges"]) {
    merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  }
  root["post_processor"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}};
  root["pre_tokenizer"].erase("use_regex");
  const Tokenizer tokenizer = load(root.dump());
  EXPECT_NE(tokenizer.digest(), small_tokenizer().digest());
  EXPECT_EQ(tokenizer.encode("the cat sat"), small_tokenizer().encode("the cat sat"));
}

TEST_F(TokenizerFile, MayHaveTheEndOfTextAtTheEnd) {
  json root = json::parse(small_tokenizer().json());
  json& vocabulary = root["model"]["vocab"];
  for (auto& [piece, id] : vocabulary.items()) id = (id.get<int>() + 399) % 400;
  root["added_tokens"][0]["id"] = 399;
  const Tokenizer tokenizer = load(root.dump());
  EXPECT_EQ(tokenizer.end_of_text(), 399);
  EXPECT_EQ(tokenizer.encode("!"), std::vector<TokenId>{0});
}

TEST_F(TokenizerFile, ThatIsCutShortIsRefusedWithThePlace) {
  const std::string& whole = small_tokenizer().json();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_THAT(complaint_about(whole.substr(0, size)), HasSubstr("not JSON: byte")) << size;
  }
}

TEST_F(TokenizerFile, ThatIsMissingIsAnErrorOfTheSystem) {
  try {
    Tokenizer::load(path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
  }
}

TEST_F(TokenizerFile, WithAnotherPartThanOursIsRefusedByName) {
  EXPECT_THAT(complaint([](json& r) { r["model"]["type"] = "Unigram"; }),
              AllOf(HasSubstr("model \"type\""), HasSubstr("\"Unigram\"")));
  EXPECT_THAT(complaint([](json& r) { r["normalizer"] = {{"type", "NFC"}}; }), HasSubstr("\"normalizer\""));
  EXPECT_THAT(complaint([](json& r) { r["pre_tokenizer"] = {{"type", "Metaspace"}}; }), HasSubstr("Metaspace"));
  EXPECT_THAT(complaint([](json& r) { r["pre_tokenizer"] = nullptr; }), HasSubstr("pre_tokenizer has no \"type\""));
  EXPECT_THAT(complaint([](json& r) { r["pre_tokenizer"]["add_prefix_space"] = true; }), HasSubstr("add_prefix_space"));
  EXPECT_THAT(complaint([](json& r) { r["pre_tokenizer"]["use_regex"] = false; }), HasSubstr("use_regex"));
  EXPECT_THAT(complaint([](json& r) { r["decoder"]["type"] = "WordPiece"; }), HasSubstr("decoder \"type\""));
  EXPECT_THAT(complaint([](json& r) {
                r["post_processor"] = {{"type", "TemplateProcessing"}};
              }),
              HasSubstr("TemplateProcessing"));
  EXPECT_THAT(complaint([](json& r) { r["truncation"] = {{"max_length", 5}}; }), HasSubstr("truncation"));
  EXPECT_THAT(complaint([](json& r) { r["version"] = "2.0"; }), HasSubstr("version"));
  EXPECT_THAT(complaint([](json& r) { r.erase("model"); }), HasSubstr("has no \"model\""));
  EXPECT_THAT(complaint_about("[]"), HasSubstr("not a JSON object"));
}

TEST_F(TokenizerFile, WithAModelOptionThatChangesIdsIsRefused) {
  EXPECT_THAT(complaint([](json& r) { r["model"]["dropout"] = 0.1; }), HasSubstr("dropout"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["unk_token"] = "<unk>"; }), HasSubstr("unk_token"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["byte_fallback"] = true; }), HasSubstr("byte_fallback"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["ignore_merges"] = true; }), HasSubstr("ignore_merges"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["continuing_subword_prefix"] = "##"; }), HasSubstr("##"));
}

TEST_F(TokenizerFile, WithOtherAddedTokensThanTheEndOfTextIsRefused) {
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"].push_back(r["added_tokens"][0]); }), HasSubstr("found: 2"));
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"] = json::array(); }), HasSubstr("found: 0"));
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"][0]["special"] = false; }), HasSubstr("special"));
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"][0]["id"] = 7; }), HasSubstr("two ids"));
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"][0]["id"] = "0"; }), HasSubstr("needs a number"));
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"][0]["content"] = "<|other|>"; }),
              HasSubstr("not in the vocabulary"));
}

TEST_F(TokenizerFile, WithABrokenVocabularyIsRefused) {
  EXPECT_THAT(complaint([](json& r) { r["model"]["vocab"]["a"] = 400; }), HasSubstr("ids are not 0 to 399"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["vocab"]["a"] = 5; }), HasSubstr("once each"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["vocab"]["a"] = -1; }), HasSubstr("-1"));
  EXPECT_THAT(complaint([](json& r) {
                r["model"]["vocab"]["a b"] = r["model"]["vocab"]["a"];
                r["model"]["vocab"].erase("a");
              }),
              HasSubstr("byte-level alphabet: \"a b\""));
  EXPECT_THAT(complaint([](json& r) {
                r["model"]["vocab"]["zzzzzz"] = r["model"]["vocab"]["a"];
                r["model"]["vocab"].erase("a");
              }),
              HasSubstr("no piece for byte 0x61"));
}

TEST_F(TokenizerFile, WithBrokenMergesIsRefused) {
  EXPECT_THAT(complaint([](json& r) { r["model"]["merges"][3] = {"qqq", "a"}; }), HasSubstr("merge 3 names a piece"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["merges"][3] = {"~", "~"}; }), HasSubstr("\"~~\""));
  EXPECT_THAT(complaint([](json& r) { r["model"]["merges"][3] = r["model"]["merges"][1]; }),
              HasSubstr("merge 3 repeats merge 1"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["merges"][3] = 12; }), HasSubstr("merge 3 is not a pair"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["merges"] = "ab"; }), HasSubstr("not a list"));
}

TEST_F(TokenizerFile, SurvivesEveryChangedByteWithoutACrash) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 150; ++round) {
    std::string text = small_tokenizer().json();
    text[random() % text.size()] ^= static_cast<char>(1 << random() % 7);
    complaint_about(text);  // accepted (another spelling of a piece) or kData; nothing else
  }
}

}  // namespace
}  // namespace reprise::data
