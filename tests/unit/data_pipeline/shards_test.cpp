#include "reprise/data_pipeline/shards.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/token_build.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

Document document(std::string id, std::string text) {
  Document result;
  result.id = std::move(id);
  result.text = std::move(text);
  result.source = "a source";
  result.kind = "natural";
  result.language = "en";
  result.license = "CC0";
  result.source_file = "file.jsonl";
  result.source_line = 7;
  return result;
}

class Shards : public ::testing::Test {
 protected:
  ShardResult write(const std::vector<Document>& documents, std::uint64_t max_tokens = kMaxTokensPerShard,
                    const std::string& stem = "train", int num_threads = 1) const {
    std::vector<const Document*> pointers;
    for (const Document& each : documents) pointers.push_back(&each);
    const std::filesystem::path path = folder() / "documents.jsonl.zst";
    write_documents(path, pointers);
    return write_shards(path, small_tokenizer(), folder(), stem, num_threads, no_progress(), max_tokens);
  }

  TokenSet open(const std::string& stem = "train") const { return TokenSet::open(folder(), stem); }

  const std::filesystem::path& folder() const { return folder_.path(); }

  static std::vector<Document> some_documents() {
    std::vector<Document> documents;
    std::mt19937_64 random(6);
    for (int k = 0; k < 40; ++k) {
      documents.push_back(document("id-" + std::to_string(k), random_text(random, 1 + random() % 80)));
      documents.back().source_line = static_cast<std::uint64_t>(k + 1);
      documents.back().language = k % 2 == 0 ? "en" : "de";
    }
    return documents;
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(Shards, HoldTheIdsOfEachDocumentAndAnEndOfText) {
  write({document("a", "the cat"), document("b", " sat")});
  const TokenSet set = open();
  std::vector<std::uint16_t> expected;
  for (const char* text : {"the cat", " sat"}) {
    for (const TokenId id : small_tokenizer().encode(text)) expected.push_back(static_cast<std::uint16_t>(id));
    expected.push_back(0);
  }
  EXPECT_THAT(std::vector<std::uint16_t>(set.tokens().begin(), set.tokens().end()), expected);
}

TEST_F(Shards, KeepWhatIsKnownOfEachDocument) {
  const std::vector<Document> documents = some_documents();
  const ShardResult result = write(documents);
  const TokenSet set = open();
  ASSERT_THAT(set.documents(), SizeIs(documents.size()));
  EXPECT_EQ(result.num_documents, documents.size());
  EXPECT_EQ(result.num_tokens, set.tokens().size());
  std::uint64_t next = 0;
  for (std::size_t k = 0; k < documents.size(); ++k) {
    const DocumentSpan& span = set.documents()[k];
    EXPECT_EQ(span.id, documents[k].id);
    EXPECT_EQ(span.language, documents[k].language);
    EXPECT_EQ(span.kind, "natural");
    EXPECT_EQ(span.source, "a source");
    EXPECT_EQ(span.source_file, "file.jsonl");
    EXPECT_EQ(span.source_line, documents[k].source_line);
    EXPECT_EQ(span.num_bytes, documents[k].text.size());
    EXPECT_EQ(span.first_token, next);
    const auto tokens = set.tokens().subspan(span.first_token, span.num_tokens);
    EXPECT_EQ(small_tokenizer().decode(std::vector<TokenId>(tokens.begin(), tokens.end())), documents[k].text);
    next += span.num_tokens + 1;
  }
  EXPECT_EQ(next, set.tokens().size());
}

TEST_F(Shards, AreTheSameBytesWhenMadeAgainWithMoreThreads) {
  const std::vector<Document> documents = some_documents();
  const ShardResult first = write(documents, 300, "first", 1);
  const ShardResult second = write(documents, 300, "second", 3);
  ASSERT_EQ(first.files.size(), second.files.size());
  for (std::size_t k = 0; k < first.files.size(); ++k) {
    EXPECT_EQ(sha256(read_file(first.files[k])), sha256(read_file(second.files[k])));
  }
  EXPECT_EQ(first.root, second.root);
}

// Made by this code; tests/peers/check_shards.py recomputes the root from the file. The bytes are those of HDF5 1.10.8.
TEST_F(Shards, HaveTheKnownRootAndFileBytes) {
  const ShardResult result = write({document("a", "the cat"), document("b", ""), document("c", "caf\xC3\xA9")});
  EXPECT_EQ(result.root.hex(), "5ace637aa1106a3890da7282c4c653058105a3d8b59fb28e91283430a7d07c6c");
  EXPECT_EQ(sha256(read_file(result.files.at(0))).hex(),
            "cdc77f4c900752405ef4b4a6d95f81b7ead77622b6af32f1e6f502989d1d8ffb");
}

TEST_F(Shards, AreCutBetweenDocumentsAndReadAsOneStream) {
  const std::vector<Document> documents = some_documents();
  write(documents, kMaxTokensPerShard, "whole");
  const ShardResult cut = write(documents, 200, "cut");
  EXPECT_GT(cut.files.size(), 5u);
  const TokenSet whole = open("whole");
  const TokenSet parts = open("cut");
  EXPECT_TRUE(std::equal(whole.tokens().begin(), whole.tokens().end(), parts.tokens().begin(), parts.tokens().end()));
  EXPECT_EQ(whole.root(), parts.root());
  EXPECT_EQ(parts.root(), cut.root);
  EXPECT_EQ(parts.documents().back().first_token, whole.documents().back().first_token);
}

TEST_F(Shards, StateTheRootOfTheSetInTheLastOne) {
  const ShardResult result = write(some_documents(), 300);
  ASSERT_GT(result.files.size(), 2u);
  EXPECT_EQ(stated_root(folder(), "train"), open().root());
  std::filesystem::remove(result.files.back());
  try {
    stated_root(folder(), "train");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
    EXPECT_THAT(error.what(), ::testing::HasSubstr(result.files.back().string() + ": is missing"));
  }
}

TEST_F(Shards, GiveADocumentLongerThanAShardAFileOfItsOwn) {
  const ShardResult result =
      write({document("a", "a"), document("b", "the cat sat on the mat"), document("c", "c")}, 3);
  EXPECT_THAT(result.files, SizeIs(3));
  EXPECT_THAT(open().documents(), SizeIs(3));
}

TEST_F(Shards, OfNoDocumentsAreOneEmptyFile) {
  const ShardResult result = write({});
  EXPECT_EQ(result.num_tokens, 0u);
  const TokenSet set = open();
  EXPECT_TRUE(set.tokens().empty());
  EXPECT_EQ(set.num_sequences(8), 0u);
  EXPECT_EQ(set.root(), result.root);
}

TEST_F(Shards, OfAShorterSetReplaceALongerOne) {
  write(some_documents(), 200);
  const ShardResult result = write({document("a", "the cat")}, 200);
  EXPECT_EQ(open().root(), result.root);
}

TEST_F(Shards, HaveARootThatDependsOnEveryPartOfADocument) {
  const auto root_with = [&](const auto& change) {
    Document changed = document("a", "the cat");
    change(changed);
    return write({changed}).root;
  };
  const Digest original = root_with([](Document&) {});
  EXPECT_NE(root_with([](Document& d) { d.id = "b"; }), original);
  EXPECT_NE(root_with([](Document& d) { d.text = "the cats"; }), original);
  EXPECT_NE(root_with([](Document& d) { d.source = "other"; }), original);
  EXPECT_NE(root_with([](Document& d) { d.language = "de"; }), original);
  EXPECT_NE(root_with([](Document& d) { d.kind = "code"; }), original);
  EXPECT_NE(root_with([](Document& d) { d.source_file = "other"; }), original);
  EXPECT_NE(root_with([](Document& d) { d.source_line = 8; }), original);
}

TEST_F(Shards, HaveARootThatDependsOnTheOrderOfDocuments) {
  const Document a = document("a", "the cat");
  const Document b = document("b", "sat");
  EXPECT_NE(write({a, b}).root, write({b, a}).root);
}

TEST_F(Shards, GiveSequencesWithTargetsOneFurther) {
  write(some_documents());
  const TokenSet set = open();
  constexpr std::uint32_t kLength = 16;
  const std::uint64_t count = set.num_sequences(kLength);
  EXPECT_EQ(count, (set.tokens().size() - 1) / kLength);
  std::vector<std::int32_t> inputs(kLength);
  std::vector<std::int32_t> targets(kLength);
  for (std::uint64_t s = 0; s < count; ++s) {
    set.read_sequence(s, kLength, inputs.data(), targets.data());
    for (std::uint32_t k = 0; k < kLength; ++k) {
      ASSERT_EQ(inputs[k], set.tokens()[s * kLength + k]);
      ASSERT_EQ(targets[k], set.tokens()[s * kLength + k + 1]);
    }
  }
}

TEST_F(Shards, HaveNoSequenceWithoutATargetForEachInput) {
  write({document("a", "!!!")});  // tokens: three at most, and the end of text
  const TokenSet set = open();
  const auto size = static_cast<std::uint32_t>(set.tokens().size());
  EXPECT_EQ(set.num_sequences(size - 1), 1u);
  EXPECT_EQ(set.num_sequences(size), 0u);
}

TEST_F(Shards, NameTheDocumentsThatASequenceTouches) {
  write(some_documents());
  const TokenSet set = open();
  constexpr std::uint32_t kLength = 24;
  for (std::uint64_t s = 0; s < set.num_sequences(kLength); ++s) {
    std::vector<std::size_t> expected;
    for (std::size_t d = 0; d < set.documents().size(); ++d) {
      const DocumentSpan& span = set.documents()[d];
      const bool begins_in_time = span.first_token <= (s + 1) * kLength;
      const bool ends_late_enough = span.first_token + span.num_tokens >= s * kLength;
      if (begins_in_time && ends_late_enough) expected.push_back(d);
    }
    ASSERT_EQ(set.documents_of(s, kLength), expected) << s;
  }
}

TEST_F(Shards, HaveTheRootThatPythonRecomputesFromTheFiles) {
  const char* python = std::getenv("REPRISE_PEERS_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "REPRISE_PEERS_PYTHON is not set";
  for (const std::uint64_t max_tokens : {kMaxTokensPerShard, std::uint64_t{200}}) {
    const Digest root = write(some_documents(), max_tokens).root;
    const std::string command = std::string(python) + " " REPRISE_SOURCE_DIR "/tests/peers/check_shards.py " +
                                folder().string() + " train > " + (folder() / "root").string();
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_EQ(read_file(folder() / "root"), root.hex() + "\n");
  }
}

TEST_F(Shards, CannotBeWrittenIntoAFileInsteadOfAFolder) {
  write({});
  const std::filesystem::path file = folder() / "train-00000.h5";
  try {
    write_shards(folder() / "documents.jsonl.zst", small_tokenizer(), file, "train", 1, no_progress());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
  }
}

TEST(GivenTokenizer, IsRefusedWithTooManyEntriesOrWithoutAnEndOfText) {
  const TemporaryFolder folder;
  BuildOptions options;
  configs::TokenizerRecipe recipe = tokenizer_recipe(small_tokenizer().vocab_size(), 1);
  EXPECT_NO_THROW(require_usable_tokenizer(recipe, options)) << "none is given";
  recipe.set_end_of_text("a");
  EXPECT_THROW(require_usable_tokenizer(recipe, options), Error) << "nor can one be trained";
  recipe.clear_end_of_text();
  options.tokenizer = folder.path() / "tokenizer.json";
  nlohmann::json root = nlohmann::json::parse(small_tokenizer().json());
  write_file_atomically(options.tokenizer, root.dump());
  EXPECT_NO_THROW(require_usable_tokenizer(recipe, options));
  recipe.set_vocab_size(recipe.vocab_size() - 1);
  EXPECT_THROW(require_usable_tokenizer(recipe, options), Error);
  recipe.set_vocab_size(recipe.vocab_size() + 1);
  root["added_tokens"][0]["special"] = false;
  write_file_atomically(options.tokenizer, root.dump());
  EXPECT_THROW(require_usable_tokenizer(recipe, options), Error);
}

}  // namespace
}  // namespace reprise::data
