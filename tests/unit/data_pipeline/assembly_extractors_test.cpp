// Extractors and HTML entities against vectors that the reference assembler made (assembly_vectors.json says which).

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "assembly_fixture.h"
#include "extractors.h"
#include "html_entities.h"
#include "path_patterns.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

using nlohmann::json;

const json& vectors() {
  static const json all = json::parse(read_file(REPRISE_SOURCE_DIR "/tests/unit/data_pipeline/assembly_vectors.json"));
  return all;
}

/// Bytes that the vectors write as one character each.
std::string bytes_of(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    bytes += c < 0x80 ? text[i] : static_cast<char>((c & 0x03) << 6 | (text[++i] & 0x3F));
  }
  return bytes;
}

class ExtractorVector : public testing::TestWithParam<std::size_t> {};

TEST_P(ExtractorVector, GivesTheTextsOfTheReference) {
  const json& vector = vectors().at("extractors").at(GetParam());
  const Extractor* extractor = find_extractor(vector.at("extractor").get<std::string>());
  ASSERT_NE(extractor, nullptr);
  std::vector<std::string> texts;
  extractor->extract({{"member", bytes_of(vector.at("input").get<std::string>())}},
                     [&](const ExtractedText& text) { texts.push_back(text.text); });
  EXPECT_EQ(texts, vector.at("texts").get<std::vector<std::string>>());
}

INSTANTIATE_TEST_SUITE_P(Extractors, ExtractorVector, testing::Range<std::size_t>(0, vectors().at("extractors").size()),
                         [](const auto& param) {
                           return vectors().at("extractors").at(param.param).at("rule").template get<std::string>();
                         });

class EntityVector : public testing::TestWithParam<std::size_t> {};

TEST_P(EntityVector, ResolvesToTheTextOfTheReference) {
  const json& vector = vectors().at("entities").at(GetParam());
  EXPECT_EQ(resolve_html_entities(vector.at("input").get<std::string>()), vector.at("text").get<std::string>());
}

INSTANTIATE_TEST_SUITE_P(HtmlEntities, EntityVector, testing::Range<std::size_t>(0, vectors().at("entities").size()),
                         [](const auto& param) {
                           return vectors().at("entities").at(param.param).at("rule").template get<std::string>();
                         });

TEST(Extractors, NameTheSecondTextOfAMemberByItsNumber) {
  std::vector<std::string> paths;
  find_extractor("fortune")->extract(
      {{"fortunes/a", "A first saying of enough characters\n%\nA second saying of enough characters\n"}},
      [&](const ExtractedText& text) { paths.push_back(text.path); });
  EXPECT_EQ(paths, (std::vector<std::string>{"fortunes/a", "fortunes/a#1"}));
}

TEST(Extractors, UnpackGzipWhereTheyExpectIt) {
  const std::string text = "A paragraph of prose that is long enough to be kept as it stands.";
  for (const char* name : {"txtgz", "dictdz"}) {
    std::string found;
    find_extractor(name)->extract({{"a.gz", gzipped(text)}}, [&](const ExtractedText& t) { found = t.text; });
    EXPECT_EQ(found, text) << name;
  }
}

TEST(Extractors, SayWhichMemberIsDamaged) {
  const std::string damaged = gzipped("A paragraph").substr(0, 15);
  const Error error = assembly_error([&] {
    find_extractor("txtgz")->extract({{"doc/a.gz", damaged}}, [](const ExtractedText&) {});
  });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_NE(std::string(error.what()).find("doc/a.gz"), std::string::npos) << error.what();
}

TEST(Extractors, RefuseSentencesThatAreNoPlainStrings) {
  const Error error = assembly_error([] {
    find_extractor("spacy")->extract({{"examples.py", "sentences = [\n \"One.\",\n f(2)]\n"}},
                                     [](const ExtractedText&) {});
  });
  EXPECT_NE(std::string(error.what()).find("examples.py:3"), std::string::npos) << error.what();
}

TEST(Extractors, AreUnknownByOtherNames) { EXPECT_EQ(find_extractor("pdf"), nullptr); }

// Expected values by Python 3.11's fnmatch.fnmatchcase.
TEST(Globs, TakeAnythingForAStarAndOneCharacterForAQuestionMark) {
  EXPECT_TRUE(matches_glob("usr/share/doc/a/b.html", "usr/share/*.html"));
  EXPECT_FALSE(matches_glob("usr/share/doc/a/b.html", "share/*.html"));
  EXPECT_FALSE(matches_glob("usr/share/doc/a/b.htm", "*.html"));
  EXPECT_TRUE(matches_glob("a.bzs", "*.bz?"));
  EXPECT_TRUE(matches_glob("\xC3\xA9x", "?x"));
  EXPECT_FALSE(matches_glob("", "?"));
  EXPECT_TRUE(matches_glob("", "*"));
  EXPECT_TRUE(matches_glob("aXbXc", "a*b*c"));
}

TEST(Globs, KnowSets) {
  EXPECT_TRUE(matches_glob("man1", "man[0-9]"));
  EXPECT_FALSE(matches_glob("manx", "man[0-9]"));
  EXPECT_TRUE(matches_glob("manx", "man[!0-9]"));
  EXPECT_TRUE(matches_glob("a[", "a["));
}

TEST(Globs, RefuseWhatStandsBehindAnExclamationMark) {
  const PathFilter filter("*.js *.ts !*.min.js !*test*");
  EXPECT_TRUE(filter.takes("lib/a.js"));
  EXPECT_TRUE(filter.takes("lib/a.ts"));
  EXPECT_FALSE(filter.takes("lib/a.min.js"));
  EXPECT_FALSE(filter.takes("test/a.js"));
  EXPECT_FALSE(filter.takes("lib/a.css"));
}

// Expected values by Python 3.11's re.search.
TEST(LanguagePatterns, FindTheGroupInTheFirstPlaceThatFits) {
  EXPECT_EQ(LanguagePattern("locale/([^/]+)/").find("django/conf/locale/pt_BR/LC_MESSAGES/x.po"), "pt_BR");
  EXPECT_EQ(LanguagePattern("/html/([a-zA-Z]+-[A-Z]+)").find("doc/html/en-US/a.html"), "en-US");
  EXPECT_EQ(LanguagePattern("install\\.([A-Za-z_]+)\\.txt").find("en/install.pt_BR.txt.gz"), "pt_BR");
  EXPECT_EQ(LanguagePattern("lang/([a-z]+)/").find("spacy/lang/EN/lang/de/examples.py"), "de");
}

TEST(LanguagePatterns, LeaveOutWhatIsOptional) {
  const LanguagePattern pattern("debmake-doc.([a-z]{2}(?:-[a-z]+)?)\\.");
  EXPECT_EQ(pattern.find("html/debmake-doc.de.html"), "de");
  EXPECT_EQ(pattern.find("html/debmake-doc.zh-cn.html"), "zh-cn");
  EXPECT_EQ(pattern.find("debmake-doc/html/ch01.en.html"), "und");
}

TEST(LanguagePatterns, RefuseWhatTheyDoNotKnow) {
  for (const char* pattern : {"(a|b)", "a+", "(a)(b)", "(a", "a)", "([a", "(a*)", "((?:a))"}) {
    EXPECT_EQ(assembly_error([&] { LanguagePattern{pattern}; }).kind(), ErrorKind::kData) << pattern;
  }
}

}  // namespace
}  // namespace reprise::data
