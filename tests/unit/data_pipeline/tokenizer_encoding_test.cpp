#include <gmock/gmock.h>

#include <thread>

#include "../../../data_pipeline/src/pattern_scanner.h"
#include "../../../data_pipeline/src/unicode_classes.h"
#include "reprise/core/error.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::string bytes_of_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t k = 0; k < hex.size(); k += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(k, 2), nullptr, 16)));
  return bytes;
}

/// The pieces that GPT-2's pattern cuts `text` into.
std::vector<std::string> pieces_of(std::string_view text) {
  const PatternScanner scanner(text);
  std::vector<std::string> pieces;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = scanner.gpt2_end(begin);
    pieces.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

TEST(PatternScanner, CutsTextsAsTheReferenceDoes) {
  for (const auto& encoding : tokenizer_vectors().at("encodings")) {
    const std::string text = encoding.at("text");
    EXPECT_THAT(pieces_of(text), ElementsAreArray(encoding.at("pieces").get<std::vector<std::string>>())) << text;
  }
}

TEST(PatternScanner, LeavesOutNoByteOfRandomText) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    const std::string text = random_text(random, random() % 100);
    std::string joined;
    for (const std::string& piece : pieces_of(text)) {
      ASSERT_FALSE(piece.empty());
      joined += piece;
    }
    ASSERT_EQ(joined, text);
  }
}

TEST(UnicodeClasses, KnowLettersNumbersAndSpacesOfUnicode16) {
  EXPECT_STREQ(unicode_version(), "16.0.0");
  EXPECT_EQ(character_class(0xA7DA), CharacterClass::kLetter);   // new in 16.0
  EXPECT_EQ(character_class(0x105C0), CharacterClass::kLetter);  // new in 16.0
  EXPECT_EQ(character_class(0x2167), CharacterClass::kNumber);
  EXPECT_EQ(character_class(0x3000), CharacterClass::kSpace);
  EXPECT_EQ(character_class(0x1C), CharacterClass::kOther);  // white space for some libraries, not for Unicode
  EXPECT_EQ(character_class(0x0301), CharacterClass::kOther);
  EXPECT_EQ(character_class(0x10FFFF), CharacterClass::kOther);
}

TEST(UnicodeClasses, AreInAscendingRangesThatDoNotOverlap) {
  std::int64_t last = -1;
  for (const ClassRange& range : class_ranges()) {
    ASSERT_GT(static_cast<std::int64_t>(range.first), last);
    ASSERT_LE(range.first, range.last);
    last = range.last;
  }
  EXPECT_LT(last, 0x110000);
}

TEST(Tokenizer, GivesTheIdsOfTheReference) {
  for (const auto& encoding : tokenizer_vectors().at("encodings")) {
    const std::string text = encoding.at("text");
    EXPECT_THAT(small_tokenizer().encode(text), ElementsAreArray(encoding.at("ids").get<std::vector<TokenId>>()))
        << text;
  }
}

TEST(Tokenizer, ReplacesEachMaximalSubpartOfIllFormedText) {
  for (const auto& example : tokenizer_vectors().at("ill_formed")) {
    const std::string bytes = bytes_of_hex(example.at("bytes"));
    std::string storage;
    EXPECT_EQ(well_formed_utf8(bytes, storage), example.at("repaired").get<std::string>()) << example.at("bytes");
    EXPECT_THAT(small_tokenizer().encode(bytes), ElementsAreArray(example.at("ids").get<std::vector<TokenId>>()));
  }
}

TEST(Tokenizer, GivesBackAnyWellFormedText) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 500; ++round) {
    const std::string text = random_text(random, random() % 200);
    ASSERT_EQ(small_tokenizer().decode(small_tokenizer().encode(text)), text) << "round " << round;
  }
}

TEST(Tokenizer, NeverGivesTheEndOfTextForText) {
  for (const TokenId id : small_tokenizer().encode("<|endoftext|> <|endoftext|>")) EXPECT_NE(id, 0);
  EXPECT_EQ(small_tokenizer().end_of_text(), 0);
}

TEST(Tokenizer, DecodesTheEndOfTextToNothing) {
  std::vector<TokenId> ids = small_tokenizer().encode("cat");
  ids.push_back(small_tokenizer().end_of_text());
  EXPECT_EQ(small_tokenizer().decode(ids), "cat");
}

TEST(Tokenizer, RefusesIdsOutsideTheVocabulary) {
  for (const TokenId id : {-1, 400, 1 << 30}) {
    try {
      small_tokenizer().decode(std::vector<TokenId>{1, id});
      FAIL() << id;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_THAT(error.what(), HasSubstr("outside the vocabulary of 400: " + std::to_string(id) + " at position 1"));
    }
  }
}

// Words up to 48 bytes are merged by scanning, longer ones with a heap: both must find the same merges.
TEST(Tokenizer, MergesALongWordAsItsRepetitionsDemand) {
  const Tokenizer tokenizer = train_on({"abababababababab abab ab"}, 300, 1);
  for (std::size_t length = 40; length < 60; ++length) {
    std::string word;
    for (std::size_t k = 0; k < length; ++k) word += k % 2 == 0 ? 'a' : 'b';
    const std::vector<TokenId> ids = tokenizer.encode(word);
    EXPECT_EQ(tokenizer.decode(ids), word);
    const std::size_t halves = ids.size() > 1 ? tokenizer.decode(std::vector<TokenId>{ids[0]}).size() : length;
    EXPECT_EQ(halves, 16u) << length;  // the largest piece learnt comes first, at any length
  }
}

TEST(Tokenizer, EncodesAWordOfAMegabyteInReasonableTime) {
  const std::string word(1 << 20, 'a');
  EXPECT_EQ(small_tokenizer().decode(small_tokenizer().encode(word)).size(), word.size());
}

TEST(Tokenizer, GivesTheSameIdsOnEveryThreadAndAfterAnotherTokenizer) {
  const Tokenizer other = train_on({"zz zz zz the cat"}, 270, 1);
  const std::string text = "the cat sat on the mat zz zz";
  const std::vector<TokenId> expected = small_tokenizer().encode(text);
  const std::vector<TokenId> expected_other = other.encode(text);
  ASSERT_NE(expected, expected_other);
  std::vector<std::thread> threads;
  std::vector<int> agreed(4);
  for (std::size_t t = 0; t < agreed.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 100; ++round) {
        agreed[t] += small_tokenizer().encode(text) == expected && other.encode(text) == expected_other;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(agreed, ::testing::Each(100));
}

}  // namespace
}  // namespace reprise::data
