// Expected values: tests/unit/data_pipeline/sentencepiece/vectors.json, made by
// tests/peers/make_sentencepiece_vectors.py with the sentencepiece 0.2.3 wheel.
#include "reprise/data_pipeline/sentencepiece.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

using ::testing::HasSubstr;
using Ids = std::vector<TokenId>;

const std::string kFolder = REPRISE_SOURCE_DIR "/tests/unit/data_pipeline/sentencepiece/";

const nlohmann::json& vectors() {
  static const nlohmann::json of_file = nlohmann::json::parse(read_file(kFolder + "vectors.json"));
  return of_file;
}

class SentencePiece : public ::testing::TestWithParam<const char*> {
 protected:
  SentencePieceModel model() const { return SentencePieceModel::load(kFolder + GetParam() + ".model"); }
  const nlohmann::json& answers() const { return vectors().at(GetParam()); }
};

TEST_P(SentencePiece, GivesTheIdsAndTheTextOfTheReference) {
  const SentencePieceModel loaded = model();
  EXPECT_EQ(loaded.vocab_size(), answers().at("vocab_size"));
  for (std::size_t k = 0; k < vectors().at("texts").size(); ++k) {
    const std::string text = vectors().at("texts")[k];
    const auto ids = answers().at("ids")[k].get<Ids>();
    EXPECT_EQ(loaded.encode(text), ids) << text;
    EXPECT_EQ(loaded.decode(ids), answers().at("decoded")[k].get<std::string>()) << text;
  }
}

TEST_P(SentencePiece, TakesEachMaximalSubpartOfIllFormedTextForOneReplacementCharacter) {
  EXPECT_EQ(model().encode("a\xF0\x9F\x98z\xFF"), model().encode("a\xEF\xBF\xBDz\xEF\xBF\xBD"));
}

TEST_P(SentencePiece, RefusesIdsOutsideTheVocabulary) {
  EXPECT_THROW(model().decode(Ids{-1}), Error);
  EXPECT_THROW(model().decode(Ids{1 << 20}), Error);
}

INSTANTIATE_TEST_SUITE_P(Models, SentencePiece, ::testing::Values("unigram", "bpe", "user_defined"),
                         [](const auto& test) { return std::string(test.param); });

TEST(SentencePieceFile, ThatIsNoModelIsRefusedByName) {
  const TemporaryFolder folder;
  const std::string whole = read_file(kFolder + "bpe.model");
  for (const std::string& bytes : {std::string(), std::string("not a model"), whole.substr(0, whole.size() / 2)}) {
    const auto path = folder.path() / "broken.model";
    write_file_atomically(path, bytes);
    try {
      SentencePieceModel::load(path);
      FAIL() << bytes.size();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
    }
  }
}

TEST(SentencePieceFile, InThePlaceOfATokenizerJsonIsCalledWhatItIs) {
  try {
    Tokenizer::load(kFolder + "bpe.model");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("SentencePiece model"));
    EXPECT_THAT(error.hint(), HasSubstr("encode --tokenizer"));
  }
}

}  // namespace
}  // namespace reprise::data
