// Against Hugging Face tokenizers itself, where REPRISE_PEERS_PYTHON names a Python that has it.
#include <gtest/gtest.h>

#include <cstdlib>

#include "reprise/core/files.h"
#include "reprise/data_pipeline/sentencepiece.h"
#include "tokenizer_fixture.h"
#include "tokenizer_kinds.h"

namespace reprise::data {
namespace {

class TokenizerPeers : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* python = std::getenv("REPRISE_PEERS_PYTHON");
    if (python == nullptr) GTEST_SKIP() << "REPRISE_PEERS_PYTHON is not set";
    python_ = python;
  }

  int run(const std::string& script, const std::string& arguments) const {
    const std::string command = python_ + " " REPRISE_SOURCE_DIR "/tests/peers/" + script + " " + arguments;
    return std::system(command.c_str());
  }

  /// Encodes `texts` here and there, and decodes the ids.
  void expect_agreement(const Tokenizer& tokenizer, const std::vector<std::string>& texts, bool special = false) const {
    const TemporaryFolder folder;
    write_file_atomically(folder.path() / "tokenizer.json", tokenizer.json());
    write_cases(folder.path() / "cases", texts, [&](const std::string& text) {
      const std::vector<TokenId> ids = tokenizer.encode(text, {.special_tokens = special});
      return std::pair{ids, tokenizer.decode(ids)};
    });
    EXPECT_EQ(run("compare_tokenizer.py", (folder.path() / "tokenizer.json").string() + " " +
                                              (folder.path() / "cases").string() + (special ? " --special" : "")),
              0);
  }

  /// `answer` gives the ids of a text, and what they decode to.
  template <typename Answer>
  static void write_cases(const std::filesystem::path& path, const std::vector<std::string>& texts, Answer&& answer) {
    std::string cases;
    const auto add = [&](std::size_t value) {
      const auto number = static_cast<std::uint32_t>(value);
      cases.append(reinterpret_cast<const char*>(&number), sizeof number);
    };
    const auto add_text = [&](const std::string& text) {
      add(text.size());
      cases += text;
    };
    for (const std::string& text : texts) {
      const auto [ids, decoded] = answer(text);
      add_text(text);
      add(ids.size());
      for (const TokenId id : ids) add(static_cast<std::size_t>(id));
      add_text(decoded);
    }
    write_file_atomically(path, cases);
  }

  std::string python_;
};

TEST_F(TokenizerPeers, GiveTheSameIdsOnTheTinyCorpus) {
  expect_agreement(train_on(corpus_texts(), 4096, 2, 2), corpus_texts());
}

TEST_F(TokenizerPeers, GiveTheSameIdsOnRandomText) {
  std::mt19937_64 random(4);
  std::vector<std::string> texts;
  for (int k = 0; k < 3000; ++k) texts.push_back(random_text(random, random() % 120));
  for (int k = 0; k < 3000; ++k) texts.push_back(random_bytes(random, random() % 60));
  expect_agreement(train_on(texts, 3000, 2), texts);
}

/// The random texts of every kind hold its added tokens too.
TEST_F(TokenizerPeers, GiveTheSameIdsWithEveryKindOfTokenizer) {
  std::mt19937_64 random(6);
  const auto& texts = tokenizer_kinds().at("texts");
  std::vector<std::string> mixed;
  for (int k = 0; k < 1500; ++k) {
    std::string text;
    for (int part = 0; part < 3; ++part) {
      text += random_text(random, random() % 12);
      text += texts[random() % texts.size()].get<std::string>().substr(0, random() % 40);
      text += random_bytes(random, random() % 3);
    }
    mixed.push_back(text);
  }
  for (const auto& kind : tokenizer_kinds().at("kinds")) {
    SCOPED_TRACE(kind.at("name"));
    expect_agreement(tokenizer_of_kind(kind), mixed, true);
    expect_agreement(tokenizer_of_kind(kind), mixed, false);
  }
}

TEST_F(TokenizerPeers, HaveTheSameCharacterClasses) { EXPECT_EQ(run("compare_unicode_classes.py", ""), 0); }

TEST_F(TokenizerPeers, StillGiveTheCommittedAnswers) { EXPECT_EQ(run("make_tokenizer_vectors.py", "--check"), 0); }

TEST_F(TokenizerPeers, StillGiveTheCommittedAnswersOfEveryKind) {
  EXPECT_EQ(run("make_tokenizer_kinds.py", "--check"), 0);
}

TEST_F(TokenizerPeers, GiveTheSameIdsWithSentencePieceModels) {
  std::mt19937_64 random(7);
  std::vector<std::string> texts;
  for (int k = 0; k < 3000; ++k)
    texts.push_back(random_text(random, random() % 60) + random_bytes(random, random() % 4));
  const std::string folder = REPRISE_SOURCE_DIR "/tests/unit/data_pipeline/sentencepiece/";
  for (const char* name : {"unigram.model", "bpe.model"}) {
    const SentencePieceModel model = SentencePieceModel::load(folder + name);
    const TemporaryFolder cases;
    write_cases(cases.path() / "cases", texts, [&](const std::string& text) {
      const std::vector<TokenId> ids = model.encode(text);
      return std::pair{ids, model.decode(ids)};
    });
    EXPECT_EQ(run("compare_tokenizer.py", folder + name + " " + (cases.path() / "cases").string()), 0) << name;
  }
}

TEST_F(TokenizerPeers, StillGiveTheCommittedAnswersOfSentencePiece) {
  EXPECT_EQ(run("make_sentencepiece_vectors.py", "--check"), 0);
}

TEST_F(TokenizerPeers, HaveTheSameWordsNumbersAndNormalForms) { EXPECT_EQ(run("compare_tokenizer_tables.py", ""), 0); }

}  // namespace
}  // namespace reprise::data
