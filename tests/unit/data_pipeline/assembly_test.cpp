// Assembling a corpus from package files: what a recipe makes of them, and what may be wrong.

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "assembly_fixture.h"
#include "assembly_recipe.h"
#include "reprise/configs/config.h"
#include "reprise/core/files.h"
#include "reprise/core/hash.h"

namespace reprise::data {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

/// A paragraph of more than 200 characters; `word` tells paragraphs apart.
std::string paragraph(const std::string& word) {
  std::string text = word;
  while (text.size() < 220) text += " and some more words of prose";
  return text;
}

std::vector<std::string> field(const std::vector<std::string>& lines, const std::string& name) {
  std::vector<std::string> values;
  for (const std::string& line : lines) values.push_back(json::parse(line).at("metadata").at(name).get<std::string>());
  return values;
}

std::vector<std::string> paths(const std::vector<std::string>& lines) { return field(lines, "path"); }

class Assembly : public AssemblyFixture {
 protected:
  void add_deb(const Members& members) const { add_package("small_1_all.deb", make_deb(members)); }
};

// The id is that of Python's hashlib.sha1(b"deb.small\0usr/a").hexdigest()[:20], the line that of its json.dumps.
TEST_F(Assembly, WritesDolmaLinesWithOriginAndLicence) {
  add_deb({{"usr/a", paragraph("\"Quoted\\\" caf\xC3\xA9")}});
  const std::string package = sha256(std::string_view(read_file(packages() / "small_1_all.deb"))).hex();
  const std::vector<std::string> lines = lines_of({});
  ASSERT_EQ(lines.size(), 1u);
  const json line = json::parse(lines[0]);
  EXPECT_EQ(lines[0], "{\"id\": \"de879459c2554b09bf5c\", \"text\": " + line.at("text").dump() +
                          ", \"source\": \"deb.small\", \"added\": \"2026-11-21T00:00:00.000Z\", \"created\": "
                          "\"1970-01-01T00:00:00.000Z\", \"metadata\": {\"license\": \"MIT\", \"url\": \"deb:small\", "
                          "\"version\": \"1\", \"sha256\": \"" +
                          package + "\", \"path\": \"usr/a\", \"lang\": \"en\"}}");
  EXPECT_EQ(line.at("text"), paragraph("\"Quoted\\\" caf\xC3\xA9"));
}

TEST_F(Assembly, TakesMembersByPathInTheOrderOfTheirBytes) {
  add_deb({{"usr/b", paragraph("b")}, {"usr/a", paragraph("a")}, {"etc/c", paragraph("c")}, {"usr/Z", paragraph("Z")}});
  EXPECT_THAT(paths(lines_of({.globs = "usr/*"})), ElementsAre("usr/Z", "usr/a", "usr/b"));
}

TEST_F(Assembly, FollowsNoLinks) {
  add_deb({{"a", paragraph("a")}, {"b", "symlink:a"}});
  EXPECT_THAT(paths(lines_of({})), ElementsAre("a"));
}

TEST_F(Assembly, ReadsWheelsAndSourceArchives) {
  add_package("small-1.whl", make_wheel({{"small/b.txt", paragraph("b")}, {"small/a.txt", paragraph("a")}}));
  EXPECT_THAT(paths(lines_of({.artifact = "small-1.whl"})), ElementsAre("small/a.txt", "small/b.txt"));
  add_package("small-1.tar.gz", make_tar_gz({{"small-1/a.txt", paragraph("a")}}));
  EXPECT_THAT(paths(lines_of({.artifact = "small-1.tar.gz"})), ElementsAre("small-1/a.txt"));
}

TEST_F(Assembly, ReadsNamesOfAnyLengthAndScript) {
  const std::string name = "usr/share/" + std::string(180, 'x') + "/\xC3\xA9t\xC3\xA9.txt";
  add_deb({{name, paragraph("a")}});
  EXPECT_THAT(paths(lines_of({})), ElementsAre(name));
}

TEST_F(Assembly, LeavesOutShortDocumentsAndRepeatedOnes) {
  add_deb({{"a", paragraph("same")},
           {"b", paragraph("same")},
           {"c", paragraph("x").substr(0, 199)},
           {"d", paragraph("d")}});
  EXPECT_THAT(paths(lines_of({})), ElementsAre("a", "d"));
}

TEST_F(Assembly, SplitsLongTextsAtLineEnds) {
  // Lines of 250 characters: 160 of them are the first with 40,000, and 241 are more than 60,000.
  std::string text;
  for (int i = 0; i < 241; ++i) text += fmt::format("{:03} {}\n", i, std::string(245, 'x'));
  add_deb({{"long", text}});
  const std::vector<std::string> lines = lines_of({.extractor = "txt"});
  EXPECT_THAT(paths(lines), ElementsAre("long@0", "long@1"));
  EXPECT_EQ(json::parse(lines[0]).at("text").get<std::string>().size(), 160u * 250 - 1);
}

TEST_F(Assembly, NeverSplitsCode) {
  std::string text;
  for (int i = 0; i < 241; ++i) text += fmt::format("{:03} {}\n", i, std::string(245, 'x'));
  add_deb({{"long.py", text}});
  EXPECT_THAT(paths(lines_of({.extractor = "code"})), ElementsAre("long.py"));
}

TEST_F(Assembly, StopsALanguageAtItsCap) {
  add_deb({{"lang/de/a", paragraph("a")},
           {"lang/de/b", paragraph("b")},
           {"lang/de/c", paragraph("c")},
           {"lang/fr/a", paragraph("d")}});
  EXPECT_THAT(paths(lines_of({.language = "re:lang/([a-z]+)/", .cap = "0.0003"})),
              ElementsAre("lang/de/a", "lang/de/b", "lang/fr/a"));
}

TEST_F(Assembly, NamesTheLanguageByPathEndingOrFile) {
  add_deb({{"x/lang/de/a.py", paragraph("a")}, {"x/b.zig", paragraph("b")}});
  EXPECT_THAT(field(lines_of({.language = "re:lang/([a-z]+)/"}), "lang"), ElementsAre("und", "de"));
  EXPECT_THAT(field(lines_of({.language = "ext"}), "lang"), ElementsAre("other", "Python"));
  EXPECT_THAT(field(lines_of({.language = "name"}), "lang"), ElementsAre("b.zig", "a.py"));
}

TEST_F(Assembly, PutsEachKindIntoItsFolder) {
  add_deb({{"a", paragraph("a")}});
  write_recipe({{.id = "deb.code", .extractor = "code"}, {.id = "deb.prose"}});
  const AssembledCorpus corpus = assemble();
  ASSERT_EQ(corpus.sources.size(), 2u);
  EXPECT_EQ(corpus.sources[0].name, "code/deb.code.jsonl.zst");
  EXPECT_EQ(corpus.sources[1].name, "natural/deb.prose.jsonl.zst");
  EXPECT_EQ(corpus.listing_sha256("code/"), sha256(corpus.sources[0].sha256 + "  code/deb.code.jsonl.zst\n").hex());
}

TEST_F(Assembly, IsTheSameForAnyNumberOfThreads) {
  add_deb({{"a", paragraph("a")}, {"b", paragraph("b")}});
  std::vector<TestRow> rows;
  for (int i = 0; i < 9; ++i) rows.push_back({.id = fmt::format("deb.{}", i), .globs = i % 2 == 0 ? "a" : "*"});
  write_recipe(rows);
  const std::string root = assemble(1).listing_sha256("");
  const std::string bytes = read_file(out() / "natural" / "deb.1.jsonl.zst");
  std::filesystem::remove_all(out());
  EXPECT_EQ(assemble(7).listing_sha256(""), root);
  EXPECT_EQ(read_file(out() / "natural" / "deb.1.jsonl.zst"), bytes);
}

TEST_F(Assembly, GoesOnWhereItWasAndMakesDamagedSourcesAgain) {
  add_deb({{"a", paragraph("a")}, {"b", paragraph("b")}});
  write_recipe({{.id = "deb.one", .globs = "a"}, {.id = "deb.two", .globs = "b"}});
  std::string expected;
  for (const AssembledSource& source : assemble().sources) {
    expected += fmt::format("{}\t1\t{}\t{}\t1\n", source.id, source.text_bytes, source.sha256);
  }
  write(folder_ / "expected.tsv", expected);
  write(out() / "natural" / "deb.two.jsonl.zst", "torn");
  const AssembledCorpus again = assemble();
  EXPECT_TRUE(again.sources[0].was_there);
  EXPECT_FALSE(again.sources[1].was_there);
  std::filesystem::remove_all(packages());
  const AssembledCorpus complete = assemble();
  EXPECT_TRUE(complete.sources[1].was_there);
  EXPECT_EQ(complete.sources[1].num_documents, 1u);
}

TEST_F(Assembly, TakesTheSourcesOfATier) {
  add_deb({{"a", paragraph("a")}});
  write_recipe({{.id = "deb.one"}, {.id = "deb.two"}});
  write(folder_ / "tier_small.txt", "deb.two\n");
  const AssembledCorpus corpus = assemble(2, "small");
  ASSERT_EQ(corpus.sources.size(), 1u);
  EXPECT_EQ(corpus.sources[0].id, "deb.two");
  EXPECT_THAT(assembly_error([&] { assemble(2, "large"); }).what(), HasSubstr("no such tier: large"));
}

TEST_F(Assembly, NamesAllMissingPackagesAtOnce) {
  const std::string hash = std::string(64, 'a');
  write_recipe({{.id = "deb.one", .artifact = "one_1_all.deb", .sha256 = hash},
                {.id = "pypi.two", .artifact = "two-1-py3-none-any.whl", .sha256 = hash}});
  const Error error = assembly_error([&] { assemble(); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("2 package(s)"));
  EXPECT_THAT(error.what(), HasSubstr("one_1_all.deb (deb:small 1"));
  EXPECT_THAT(error.what(), HasSubstr("https://snapshot.debian.org/binary/small/"));
  EXPECT_THAT(error.what(), HasSubstr("https://pypi.org/project/small/1/#files"));
  EXPECT_THAT(error.what(), HasSubstr(hash));
  EXPECT_THAT(error.hint(), HasSubstr("fetch_standard_corpus.sh"));
}

TEST_F(Assembly, RefusesAnotherPackageThanTheRecipeNames) {
  add_deb({{"a", paragraph("a")}});
  write_recipe({{.sha256 = std::string(64, '0')}});
  const Error error = assembly_error([&] { assemble(); });
  EXPECT_THAT(error.what(), HasSubstr("small_1_all.deb"));
  EXPECT_THAT(error.what(), HasSubstr("expected " + std::string(64, '0')));
}

TEST_F(Assembly, SaysWhichArchiveIsDamaged) {
  const std::string deb = make_deb({{"a", paragraph("a")}});
  add_package("small_1_all.deb", deb.substr(0, deb.size() - 60));
  write_recipe({TestRow{}});
  EXPECT_THAT(assembly_error([&] { assemble(); }).what(), HasSubstr("small_1_all.deb"));
  add_package("small_1_all.deb", "no archive");
  write_recipe({TestRow{}});
  EXPECT_THAT(assembly_error([&] { assemble(); }).what(), HasSubstr("cannot read package"));
}

TEST_F(Assembly, RefusesASourceThatCameOutDifferently) {
  add_deb({{"a", paragraph("a")}});
  write_recipe({TestRow{}});
  write(folder_ / "expected.tsv", "deb.small\t1\t220\t" + std::string(64, 'b') + "\t1\n");
  EXPECT_THAT(assembly_error([&] { assemble(); }).what(), HasSubstr("came out differently: deb.small: 1 documents"));
  EXPECT_FALSE(std::filesystem::exists(out() / "natural" / "deb.small.jsonl.zst"));
}

TEST_F(Assembly, RefusesAFolderWithSourcesOfAnotherTier) {
  add_deb({{"a", paragraph("a")}});
  write_recipe({TestRow{}});
  assemble();
  write(out() / "natural" / "deb.other.jsonl.zst", "");
  EXPECT_THAT(assembly_error([&] { assemble(); }).what(), HasSubstr("deb.other.jsonl.zst"));
}

TEST_F(Assembly, NamesTheLineOfARecipeThatItCannotRead) {
  add_deb({{"a", paragraph("a")}});
  const auto message = [&](const TestRow& row) {
    write_recipe({row});
    return std::string(assembly_error([&] { assemble(); }).what());
  };
  EXPECT_THAT(message({.extractor = "pdf"}), HasSubstr("recipe.tsv:2: unknown extractor: pdf"));
  EXPECT_THAT(message({.sha256 = "abc"}), HasSubstr("recipe.tsv:2: no SHA-256: abc"));
  EXPECT_THAT(message({.cap = "-1"}), HasSubstr("recipe.tsv:2: no number of megabytes: -1"));
  EXPECT_THAT(message({.artifact = "small.rpm"}), HasSubstr("unknown package file: small.rpm"));
  EXPECT_THAT(message({.id = "../x"}), HasSubstr("no name for a source"));
  write_recipe({TestRow{}, TestRow{}});
  EXPECT_THAT(assembly_error([&] { assemble(); }).what(), HasSubstr("recipe.tsv:3: two sources of one name"));
}

TEST(StandardCorpus, IsTheOneThatItsConfigNames) {
  const std::string root = REPRISE_SOURCE_DIR "/";
  const configs::RunConfig config = configs::load_config(root + "configs/data/standard.pbtxt");
  const configs::Assembly& assembly = config.runtime().assembly();
  AssembledCorpus corpus;
  for (const AssemblyRow& row : read_assembly_recipe(root + assembly.recipe(), assembly.tier())) {
    ASSERT_TRUE(row.expected_sha256.has_value()) << row.id;
    corpus.sources.push_back({row.id, row.output_name(), *row.expected_sha256});
  }
  std::sort(corpus.sources.begin(), corpus.sources.end(),
            [](const AssembledSource& a, const AssembledSource& b) { return a.name < b.name; });
  for (const configs::CorpusFile& file : config.recipe().data().file()) {
    EXPECT_EQ(file.sha256(), corpus.listing_sha256(file.kind() + "/")) << file.path();
  }
}

// Every source of a tier of the standard corpus against the hash that the reference assembler gave it.
TEST_F(Assembly, GivesEverySourceOfTheStandardCorpusItsHash) {
  const char* folder = std::getenv("REPRISE_STANDARD_PACKAGES");
  if (folder == nullptr) GTEST_SKIP() << "REPRISE_STANDARD_PACKAGES names no folder of packages";
  const char* tier = std::getenv("REPRISE_STANDARD_TIER");
  const std::filesystem::path recipe_file = REPRISE_SOURCE_DIR "/corpora/standard/recipe.tsv";
  const AssembledCorpus corpus =
      assemble_corpus({recipe_file, tier == nullptr ? "apt_lite" : tier, folder, out(), 0}, no_progress());
  EXPECT_GE(corpus.sources.size(), 45u);
  for (const AssembledSource& source : corpus.sources) EXPECT_FALSE(source.was_there) << source.name;
}

}  // namespace
}  // namespace reprise::data
