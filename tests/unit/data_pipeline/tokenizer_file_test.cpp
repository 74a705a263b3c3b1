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

TEST_F(TokenizerFile, ThatIsTooDeepIsRefusedWithThePlace) {
  std::string text = small_tokenizer().json();
  text.insert(text.find('{') + 1, "\"normalizer\":" + std::string(200'000, '[') + std::string(200'000, ']') + ",");
  EXPECT_THAT(complaint_about(text), AllOf(HasSubstr("not JSON: byte 114"), HasSubstr("nest more than 100 deep")));
}

TEST_F(TokenizerFile, ThatIsMissingIsAnErrorOfTheSystem) {
  try {
    Tokenizer::load(path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
  }
}

TEST_F(TokenizerFile, WithAPartThatIsNotSupportedIsRefusedByName) {
  EXPECT_THAT(complaint([](json& r) { r["model"]["type"] = "Unigram"; }),
              AllOf(HasSubstr("model \"type\""), HasSubstr("\"Unigram\"")));
  EXPECT_THAT(complaint([](json& r) {
                r["normalizer"] = {{"type", "NFKC"}};
              }),
              HasSubstr("normalizer \"type\" is not supported: \"NFKC\""));
  EXPECT_THAT(complaint([](json& r) {
                r["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", "a+"}}}, {"content", ""}};
              }),
              HasSubstr("a+"));
  EXPECT_THAT(complaint([](json& r) { r["pre_tokenizer"] = {{"type", "Punctuation"}}; }), HasSubstr("Punctuation"));
  EXPECT_THAT(complaint([](json& r) { r["pre_tokenizer"] = json::object(); }),
              HasSubstr("pre_tokenizer has no \"type\""));
  EXPECT_THAT(complaint([](json& r) { r["decoder"]["type"] = "WordPiece"; }), HasSubstr("decoder \"type\""));
  EXPECT_THAT(complaint([](json& r) {
                r["post_processor"] = {{"type", "PreTemplate"}};
              }),
              HasSubstr("post_processor \"type\" is not supported: \"PreTemplate\""));
  EXPECT_THAT(complaint([](json& r) {
                r["post_processor"] = {{"type", "RobertaProcessing"}, {"cls", {"<s>"}}, {"sep", {"</s>", 2}}};
              }),
              HasSubstr("post_processor \"cls\" is not a pair of a token and its id: [\"<s>\"]"));
  EXPECT_THAT(complaint([](json& r) {
                r["post_processor"] = {{"type", "TemplateProcessing"}};
              }),
              HasSubstr("has no \"single\""));
  EXPECT_THAT(complaint([](json& r) { r["truncation"] = {{"max_length", 5}}; }), HasSubstr("truncation"));
  EXPECT_THAT(complaint([](json& r) { r["version"] = "2.0"; }), HasSubstr("version"));
  EXPECT_THAT(complaint([](json& r) { r.erase("model"); }), HasSubstr("has no \"model\""));
  EXPECT_THAT(complaint_about("[]"), HasSubstr("not a JSON object"));
}

TEST_F(TokenizerFile, WithAnUnknownExpressionIsRefusedAndQuotesIt) {
  const auto split = [](const char* expression, const char* behaviour) {
    return json{{"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", behaviour}, {"invert", false}};
  };
  EXPECT_THAT(complaint([&](json& r) {
                r["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split("[a-z]+|x", "Isolated")}}};
              }),
              HasSubstr("pre_tokenizer \"pretokenizers\"[0] \"pattern\" \"Regex\" is an expression that is not "
                        "known: \"[a-z]+|x\""));
  EXPECT_THAT(complaint([&](json& r) { r["pre_tokenizer"] = split("\\p{N}{1,3}", "Removed"); }),
              HasSubstr("\"behavior\" is not supported with this expression: \"Removed\""));
}

TEST_F(TokenizerFile, WithStepsAfterByteLevelIsRefused) {
  EXPECT_THAT(
      complaint([](json& r) {
        r["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {r["pre_tokenizer"], {{"type", "Digits"}}}}};
      }),
      HasSubstr("ByteLevel is not the last step"));
}

TEST_F(TokenizerFile, NestedTenDeepIsRefused) {
  std::string nested;
  for (int k = 0; k < 10; ++k) nested += R"({"type":"Sequence","normalizers":[)";
  nested += R"({"type":"NFC"})";
  for (int k = 0; k < 10; ++k) nested += "]}";
  json root = json::parse(small_tokenizer().json());
  root["normalizer"] = "here";
  std::string text = root.dump();
  text.replace(text.find("\"here\""), 6, nested);
  EXPECT_THAT(complaint_about(text), HasSubstr("nested too deeply"));
}

TEST_F(TokenizerFile, WithAModelOptionThatChangesIdsIsRefused) {
  EXPECT_THAT(complaint([](json& r) { r["model"]["dropout"] = 0.1; }), HasSubstr("dropout"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["continuing_subword_prefix"] = "##"; }), HasSubstr("##"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["end_of_word_suffix"] = "</w>"; }), HasSubstr("</w>"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["ignore_merges"] = 1; }), HasSubstr("is not true or false: 1"));
}

TEST_F(TokenizerFile, WithAddedTokensThatTheReferenceWouldNumberOtherwiseIsRefused) {
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"].push_back(r["added_tokens"][0]); }),
              HasSubstr("added_tokens[1] repeats an added token"));
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"][0]["id"] = 7; }),
              HasSubstr("has another id than the reference gives it, 0"));
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"][0]["id"] = "0"; }), HasSubstr("is not a number"));
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"][0]["content"] = "<|other|>"; }),
              HasSubstr("than the reference gives it, 400"));
  EXPECT_THAT(complaint([](json& r) { r["added_tokens"][0]["content"] = ""; }), HasSubstr("has no content"));
}

TEST_F(TokenizerFile, WithoutASpecialTokenHasNoEndOfText) {
  json root = json::parse(small_tokenizer().json());
  root["added_tokens"] = json::array();
  const Tokenizer tokenizer = load(root.dump());
  EXPECT_FALSE(tokenizer.has_end_of_text());
  EXPECT_THROW(tokenizer.end_of_text(), Error);
}

TEST_F(TokenizerFile, WithABrokenVocabularyIsRefused) {
  EXPECT_THAT(complaint([](json& r) { r["model"]["vocab"]["a"] = 1 << 30; }), HasSubstr("is not a number below"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["vocab"]["a"] = 5; }), HasSubstr("once each"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["vocab"]["a"] = -1; }), HasSubstr("-1"));
  EXPECT_THAT(complaint([](json& r) { r["model"]["vocab"]["a b"] = 400; }), HasSubstr("byte-level alphabet: \"a b\""));
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
