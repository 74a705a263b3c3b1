#include "tokenizer_kinds.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "../../../data_pipeline/src/pre_tokenizer_names.h"
#include "../../../data_pipeline/src/unicode_classes.h"
#include "reprise/configs/pre_tokenizer_names.h"
#include "reprise/core/error.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

using nlohmann::json;
using Ids = std::vector<TokenId>;

constexpr EncodeOptions kAsTheReference{.special_tokens = true};

std::string label(const json& kind, std::size_t k) {
  return kind.at("name").get<std::string>() + ": " + tokenizer_kinds().at("texts")[k].dump();
}

TEST(TokenizerKinds, GiveTheIdsOfTheReference) {
  const json& texts = tokenizer_kinds().at("texts");
  for (const json& kind : tokenizer_kinds().at("kinds")) {
    const Tokenizer tokenizer = tokenizer_of_kind(kind);
    for (std::size_t k = 0; k < texts.size(); ++k) {
      EXPECT_EQ(tokenizer.encode(texts[k].get<std::string>(), kAsTheReference), kind.at("ids")[k].get<Ids>())
          << label(kind, k);
    }
  }
}

TEST(TokenizerKinds, TakeSpecialTokensForTextWhereTheyAreNotAskedFor) {
  const json& texts = tokenizer_kinds().at("texts");
  for (const json& kind : tokenizer_kinds().at("kinds")) {
    const Tokenizer tokenizer = tokenizer_of_kind(kind);
    for (std::size_t k = 0; k < texts.size(); ++k) {
      EXPECT_EQ(tokenizer.encode(texts[k].get<std::string>()), kind.at("plain")[k].get<Ids>()) << label(kind, k);
    }
  }
}

TEST(TokenizerKinds, DecodeAsTheReferenceDoes) {
  for (const json& kind : tokenizer_kinds().at("kinds")) {
    const Tokenizer tokenizer = tokenizer_of_kind(kind);
    for (std::size_t k = 0; k < kind.at("ids").size(); ++k) {
      // An added token may decode to a part of a character; the reference then answers U+FFFD, we the bytes.
      const std::string bytes = tokenizer.decode(kind.at("ids")[k].get<Ids>());
      std::string storage;
      EXPECT_EQ(well_formed_utf8(bytes, storage), kind.at("decoded")[k].get<std::string>()) << label(kind, k);
    }
  }
}

std::size_t counted_bytes(const Tokenizer& tokenizer, const std::string& text) {
  std::size_t sum = 0;
  for (const TokenId id : tokenizer.encode(text)) sum += tokenizer.bytes_of_token(id);
  return sum;
}

/// Many kinds put a space in front of a text, which counts; the text behind the first word counts as it is.
void expect_bytes_of(const json& kind, const std::string& text) {
  const Tokenizer tokenizer = tokenizer_of_kind(kind);
  const std::size_t once = counted_bytes(tokenizer, text);
  EXPECT_THAT(once, testing::AnyOf(text.size(), text.size() + 1)) << kind.at("name");
  EXPECT_EQ(counted_bytes(tokenizer, text + " " + text), once + 1 + text.size()) << kind.at("name");
}

// No "e", which the kind "literals" takes out of texts.
TEST(TokenizerKinds, CountTheBytesOfTheWordsOfATextAndOfTheSpacesBeforeThem) {
  for (const json& kind : tokenizer_kinds().at("kinds")) expect_bytes_of(kind, "a small cat sat on mats");
}

TEST(TokenizerKinds, CountEveryByteOfACharacterThatIsNoPiece) {
  for (const json& kind : tokenizer_kinds().at("kinds")) {
    const bool has_bytes = kind.at("base") == "bytes" || kind.at("options").value("byte_fallback", true);
    if (has_bytes) expect_bytes_of(kind, "a cat 😀 日本 sat");
  }
}

TEST(TokenizerKinds, CountNoBytesForSpecialTokens) {
  for (const json& kind : tokenizer_kinds().at("kinds")) {
    const Tokenizer tokenizer = tokenizer_of_kind(kind);
    for (const json& token : kind.at("root").at("added_tokens")) {
      if (!token.at("special").get<bool>()) continue;
      EXPECT_EQ(tokenizer.bytes_of_token(token.at("id").get<TokenId>()), 0u) << kind.at("name") << token;
    }
  }
}

TEST(TokenizerKinds, CountAtByteLevelTheBytesThatATokenAloneDecodesTo) {
  for (const json& kind : tokenizer_kinds().at("kinds")) {
    if (kind.at("base") != "bytes" || kind.at("root").at("decoder").is_null()) continue;
    const Tokenizer tokenizer = tokenizer_of_kind(kind);
    for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocab_size()); ++id) {
      EXPECT_EQ(tokenizer.bytes_of_token(id), tokenizer.decode({&id, 1}).size()) << kind.at("name") << " " << id;
    }
  }
}

TEST(TokenizerKinds, CountNoIdOutsideTheVocabulary) {
  for (const json& kind : tokenizer_kinds().at("kinds")) {
    const Tokenizer tokenizer = tokenizer_of_kind(kind);
    EXPECT_THROW(tokenizer.bytes_of_token(static_cast<TokenId>(tokenizer.vocab_size())), Error) << kind.at("name");
  }
}

// Long enough for several tasks; tokens, white space and marks stand where a text might be cut.
TEST(TokenizerKinds, GiveTheSameIdsForAnyNumberOfThreads) {
  std::string text;
  while (text.size() < (std::size_t{3} << 20)) {
    for (const json& part : tokenizer_kinds().at("texts")) text += part.get<std::string>();
  }
  for (const json& kind : tokenizer_kinds().at("kinds")) {
    if (kind.at("base") != "bytes" || kind.at("name") == "no cuts") continue;
    const Tokenizer tokenizer = tokenizer_of_kind(kind);
    const Ids expected = tokenizer.encode(text, kAsTheReference);
    EXPECT_EQ(tokenizer.encode(text, {.special_tokens = true, .num_threads = 3}), expected) << kind.at("name");
  }
}

TEST(TokenizerKinds, GiveTheSameIdsPartByPart) {
  std::string text;
  while (text.size() < (std::size_t{1} << 20)) {
    for (const json& part : tokenizer_kinds().at("texts")) text += part.get<std::string>();
  }
  for (const json& kind : tokenizer_kinds().at("kinds")) {
    if (kind.at("base") != "bytes") continue;
    const Tokenizer tokenizer = tokenizer_of_kind(kind);
    const Ids expected = tokenizer.encode(text, kAsTheReference);
    for (const int num_threads : {1, 3}) {
      Ids ids;
      tokenizer.encode(text, {.special_tokens = true, .num_threads = num_threads},
                       [&](std::span<const TokenId> part) { ids.insert(ids.end(), part.begin(), part.end()); });
      EXPECT_EQ(ids, expected) << kind.at("name") << ", threads " << num_threads;
    }
  }
}

/// Letters that name `number`.
std::string word_of(std::uint32_t number) {
  std::string word;
  for (int k = 0; k < 4; ++k, number /= 26) word += static_cast<char>('a' + number % 26);
  return word;
}

// As the files of Llama 3 do: words that are pieces, ids beyond 16 bits, special tokens after them.
TEST(TokenizerKinds, MayHaveVocabulariesOfMoreThanSixteenBits) {
  const json& kinds = tokenizer_kinds().at("kinds");
  const auto llama3 =
      std::find_if(kinds.begin(), kinds.end(), [](const json& kind) { return kind.at("name") == "llama3"; });
  json root = llama3->at("root");
  root["model"] = tokenizer_kinds().at("models").at("bytes");
  root["model"]["ignore_merges"] = true;
  constexpr std::uint32_t kPieces = 128000;
  for (auto id = static_cast<std::uint32_t>(root["model"]["vocab"].size()); id < kPieces; ++id) {
    root["model"]["vocab"][word_of(id)] = id;
  }
  for (std::uint32_t k = 0; k < 2; ++k) root["added_tokens"][k]["id"] = kPieces + k;
  root["post_processor"]["processors"][1]["special_tokens"]["<|a|>"]["ids"] = {kPieces};
  const Tokenizer tokenizer = Tokenizer::parse(root.dump(), "llama3");
  EXPECT_EQ(tokenizer.vocab_size(), kPieces + 2);
  const Ids ids = tokenizer.encode(word_of(70000) + "<|b|>" + word_of(127999), kAsTheReference);
  EXPECT_EQ(ids, (Ids{128000, 70000, 128001, 127999}));
  EXPECT_EQ(tokenizer.decode(ids), word_of(70000) + word_of(127999));
}

TEST(TokenizerKinds, TrainedWithANamedPreTokenizerGiveTheFileOfTheReference) {
  const auto texts = tokenizer_kinds().at("training").get<std::vector<std::string>>();
  for (const auto& [name, sha256] : tokenizer_kinds().at("trained").items()) {
    configs::TokenizerRecipe recipe = tokenizer_recipe(450, 1);
    recipe.set_pre_tokenizer(name);
    const TextSource source = [&](const std::function<void(std::string_view)>& visit) {
      for (const std::string& text : texts) visit(text);
    };
    EXPECT_EQ(train_tokenizer(recipe, source, 2, no_progress()).digest().hex(), sha256) << name;
  }
}

TEST(TokenizerKinds, HaveADefinitionForEveryNameThatARecipeMayUse) {
  for (const std::string_view name : configs::kPreTokenizerNames) {
    const PreTokenizerName* const definition = find_pre_tokenizer(name);
    ASSERT_NE(definition, nullptr) << name;
    EXPECT_EQ(find_pattern(expression_of(definition->pattern)), definition->pattern) << name;
  }
}

}  // namespace
}  // namespace reprise::data
