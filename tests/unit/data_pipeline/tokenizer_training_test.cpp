#include <gmock/gmock.h>

#include <algorithm>

#include "reprise/core/error.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

using ::testing::HasSubstr;

std::string config_error(const configs::TokenizerRecipe& recipe) {
  try {
    train_tokenizer(
        recipe, [](const auto&) {}, 1, no_progress());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    return error.what();
  }
  return "no error";
}

TEST(TokenizerTraining, OfSmallTextsGivesTheFileOfTheReference) {
  EXPECT_EQ(small_tokenizer().digest().hex(), tokenizer_vectors().at("small").at("sha256"));
}

TEST(TokenizerTraining, OfLongWordsWithManyTiesGivesTheFileOfTheReference) {
  for (const auto& training : tokenizer_vectors().at("trainings")) {
    const Tokenizer tokenizer = train_on(training.at("texts"), training.at("vocab_size"), training.at("min_frequency"));
    EXPECT_EQ(tokenizer.digest().hex(), training.at("sha256")) << "vocab_size " << training.at("vocab_size");
  }
}

TEST(TokenizerTraining, OfTheTinyCorpusGivesTheFileAndTheTokenCountOfTheReference) {
  const auto& expected = tokenizer_vectors().at("corpus");
  const Tokenizer tokenizer = train_on(corpus_texts(), expected.at("vocab_size"), expected.at("min_frequency"));
  EXPECT_EQ(tokenizer.digest().hex(), expected.at("sha256"));
  std::size_t num_tokens = 0;
  for (const std::string& text : corpus_texts()) num_tokens += tokenizer.encode(text).size();
  EXPECT_EQ(num_tokens, expected.at("num_tokens"));
}

TEST(TokenizerTraining, DoesNotDependOnTheOrderOfTextsOrTheNumberOfThreads) {
  std::vector<std::string> texts(corpus_texts().begin(), corpus_texts().begin() + 300);
  const Digest expected = train_on(texts, 1000, 2).digest();
  std::reverse(texts.begin(), texts.end());
  EXPECT_EQ(train_on(texts, 1000, 2, 1).digest(), expected);
  EXPECT_EQ(train_on(texts, 1000, 2, 3).digest(), expected);
  std::shuffle(texts.begin(), texts.end(), std::mt19937_64(5));
  EXPECT_EQ(train_on(texts, 1000, 2, 2).digest(), expected);
}

TEST(TokenizerTraining, CountsATextAsOftenAsItOccurs) {
  const std::vector<std::string> once = {"ab cd"};
  const std::vector<std::string> thrice = {"ab cd", "ab", "ab"};
  EXPECT_EQ(train_on(once, 300, 2).vocab_size(), 257u);
  EXPECT_EQ(train_on(thrice, 300, 3).vocab_size(), 258u);
}

TEST(TokenizerTraining, BreaksTiesByTheSmallerIds) {
  const Tokenizer tokenizer =
      train_on({"xy ab"}, 258, 1);  // "a b" is a smaller pair than "x y"; " a" and " x" are larger
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{257}), "ab");
}

TEST(TokenizerTraining, OnNoTextLeavesTheBytes) {
  const Tokenizer tokenizer = train_on({}, 4096, 2);
  EXPECT_EQ(tokenizer.vocab_size(), 257u);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("bytes \xC3\xA9")), "bytes \xC3\xA9");
}

TEST(TokenizerTraining, ReadsIllFormedTextAsReplacementCharacters) {
  EXPECT_EQ(train_on({"a\xFFz a\xFFz"}, 300, 1).digest(), train_on({"a\xEF\xBF\xBDz a\xEF\xBF\xBDz"}, 300, 1).digest());
}

TEST(TokenizerTraining, RefusesAVocabularyThatCannotBe) {
  EXPECT_THAT(config_error(tokenizer_recipe(256, 2)),
              HasSubstr("tokenizer.vocab_size is not within 257 and 1048576: 256"));
  EXPECT_THAT(config_error(tokenizer_recipe(1048577, 2)), HasSubstr("1048577"));
}

TEST(TokenizerTraining, RefusesAnUnknownPreTokenizer) {
  configs::TokenizerRecipe recipe = tokenizer_recipe(300, 2);
  recipe.set_pre_tokenizer("gpt9");
  EXPECT_THAT(config_error(recipe), HasSubstr("tokenizer.pre_tokenizer is not known: \"gpt9\""));
}

TEST(TokenizerTraining, RefusesAnEndOfTextThatTextCouldSpell) {
  configs::TokenizerRecipe recipe = tokenizer_recipe(300, 2);
  for (const char* special : {"", "end", " end", "<>", "\xFF<a>"}) {
    recipe.set_end_of_text(special);
    EXPECT_THAT(config_error(recipe), HasSubstr("tokenizer.end_of_text could be learned")) << special;
  }
}

}  // namespace
}  // namespace reprise::data
