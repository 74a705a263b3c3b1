#include "reprise/data_pipeline/document_groups.h"

#include <gmock/gmock.h>

#include "mixture_recipe.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/document_file.h"
#include "tokenizer_fixture.h"

namespace reprise::data {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kRowLength = 16;
constexpr char kStage[] = "stage { name: \"s\" share { group: \"a\" weight: 1 } }";

class DocumentGroupsTest : public ::testing::Test {
 protected:
  DocumentGroupsTest() : tokens_(make()) {}

  /// Sources web.one, web.two, wiki in turn; kinds natural and code in turn; every fifth language de.
  TokenSet make() const {
    std::vector<Document> documents(40);
    std::mt19937_64 random(3);
    std::vector<const Document*> pointers;
    static const char* const kSources[] = {"web.one", "web.two", "wiki"};
    for (std::size_t k = 0; k < documents.size(); ++k) {
      documents[k].id = fmt::format("id-{:02}", k);
      documents[k].text = k == 7 ? "" : random_text(random, 1 + random() % 60);
      documents[k].source = kSources[k % 3];
      documents[k].kind = k % 2 == 0 ? "natural" : "code";
      documents[k].language = k % 5 == 0 ? "de" : "en";
      documents[k].source_file = "file.jsonl";
      documents[k].source_line = k + 1;
      pointers.push_back(&documents[k]);
    }
    const std::filesystem::path path = folder_.path() / "documents.jsonl.zst";
    write_documents(path, pointers);
    write_shards(path, small_tokenizer(), folder_.path(), "train", 1, no_progress());
    return TokenSet::open(folder_.path(), "train");
  }

  DocumentGroups groups(const std::string& text) const {
    return DocumentGroups(tokens_, mixture_recipe(1, 10, text.empty() ? "" : text + kStage).train());
  }

  TemporaryFolder folder_;
  TokenSet tokens_;
};

TEST_F(DocumentGroupsTest, TakesADocumentIntoTheFirstGroupWhoseConditionsAllHold) {
  const DocumentGroups all =
      groups(R"(group { name: "a" source: "web.*" kind: "code" } group { name: "b" source: "web.two"
      source: "wiki" language: "de" } group { name: "rest" })");
  for (std::size_t k = 0; k < tokens_.documents().size(); ++k) {
    const bool in_a = k % 3 != 2 && k % 2 == 1;
    const bool in_b = k % 3 != 0 && k % 5 == 0;
    EXPECT_EQ(all.group_of(k), in_a ? 0u : in_b ? 1u : 2u) << k;
  }
  EXPECT_EQ(all.name(2), "rest");
}

TEST_F(DocumentGroupsTest, RefusesADocumentOfNoGroupAndNamesIt) {
  try {
    groups("group { name: \"a\" source: \"wiki\" }");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), HasSubstr("27 of 40 documents belong to no group of the recipe; the first is 'id-00' "
                                        "(source 'web.one', language 'de', kind 'natural')"));
    EXPECT_THAT(error.hint(), HasSubstr("add a last group without conditions"));
  }
}

TEST_F(DocumentGroupsTest, WithoutGroupsReadsTheSequencesOfTheTokenSet) {
  const DocumentGroups all = groups("");
  ASSERT_EQ(all.size(), 1u);
  ASSERT_EQ(all.num_sequences(0), tokens_.num_sequences(kRowLength));
  std::vector<std::int32_t> inputs(kRowLength), targets(kRowLength), expected_inputs(kRowLength), expected_targets(kRowLength);
  for (std::uint64_t s = 0; s < all.num_sequences(0); ++s) {
    all.read(0, s, inputs.data(), targets.data());
    tokens_.read_sequence(s, kRowLength, expected_inputs.data(), expected_targets.data());
    ASSERT_EQ(inputs, expected_inputs) << s;
    ASSERT_EQ(targets, expected_targets) << s;
  }
}

TEST_F(DocumentGroupsTest, CutsTheDocumentsOfAGroupEachWithItsEndOfTextIntoSequences) {
  const DocumentGroups all = groups("group { name: \"a\" source: \"wiki\" } group { name: \"rest\" }");
  for (std::size_t group = 0; group < 2; ++group) {
    std::vector<std::int32_t> stream;
    for (std::size_t k = 0; k < tokens_.documents().size(); ++k) {
      if (all.group_of(k) != group) continue;
      const auto tokens =
          tokens_.tokens().subspan(tokens_.documents()[k].first_token, tokens_.documents()[k].num_tokens + 1);
      stream.insert(stream.end(), tokens.begin(), tokens.end());
      EXPECT_EQ(stream.back(), 0) << "the end of text";
    }
    ASSERT_EQ(all.num_tokens(group), stream.size());
    ASSERT_EQ(all.num_sequences(group), (stream.size() - 1) / kRowLength);
    std::vector<std::int32_t> inputs(kRowLength), targets(kRowLength);
    for (std::uint64_t s = 0; s < all.num_sequences(group); ++s) {
      all.read(group, s, inputs.data(), targets.data());
      const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(s * kRowLength);
      ASSERT_TRUE(std::equal(inputs.begin(), inputs.end(), begin)) << s;
      ASSERT_TRUE(std::equal(targets.begin(), targets.end(), begin + 1)) << s;
    }
  }
}

TEST_F(DocumentGroupsTest, KnowsTheSequencesThatHoldADocument) {
  const DocumentGroups all = groups("group { name: \"a\" source: \"wiki\" } group { name: \"rest\" }");
  for (std::size_t document = 0; document < tokens_.documents().size(); ++document) {
    const std::size_t group = all.group_of(document);
    const DocumentGroups::Range range = all.sequences_of(document);
    for (std::uint64_t s = 0; s < all.num_sequences(group); ++s) {
      const std::vector<DocumentPart> parts = all.parts(group, s);
      const bool holds =
          std::any_of(parts.begin(), parts.end(), [&](const DocumentPart& part) { return part.document == document; });
      EXPECT_EQ(holds, s >= range.begin && s < range.end) << document << " in " << s;
    }
  }
}

TEST(Pattern, AStarStandsForAnyCharactersAndAQuestionMarkForOne) {
  EXPECT_TRUE(matches_pattern("web.*", "web.one"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("*b*ab", "abbaab"));
  EXPECT_TRUE(matches_pattern("a?c", "abc"));
  EXPECT_TRUE(matches_pattern("a*/c", "a/b/c"));
  EXPECT_FALSE(matches_pattern("web.*", "web"));
  EXPECT_FALSE(matches_pattern("a?c", "ac"));
  EXPECT_FALSE(matches_pattern("wiki", "wikis"));
  EXPECT_FALSE(matches_pattern("", "a"));
  EXPECT_FALSE(matches_pattern("[ab]", "a"));
}

}  // namespace
}  // namespace reprise::data
