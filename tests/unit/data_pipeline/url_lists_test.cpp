// Lists of domains and words against addresses.

#include "reprise/data_pipeline/url_lists.h"

#include <gmock/gmock.h>

#include <fstream>

#include "corpus_fixture.h"
#include "reprise/data_pipeline/filter_files.h"
#include "reprise/data_pipeline/filter_presets.h"

namespace reprise::data {
namespace {

using testing::HasSubstr;

std::filesystem::path write_list(const std::string& name, const std::string& content) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "url_lists";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << content;
  return folder / name;
}

/// The one measure of a list of one kind.
Measure measured(UrlListKind kind, const std::string& list, const std::string& url) {
  UrlLists lists;
  lists.add(kind, write_list("list.txt", list));
  return lists.measure(url).at(0);
}

TEST(UrlLists, TakeTheHostOutOfAnAddress) {
  EXPECT_EQ(host_of("https://user:pass@www.Example.ORG:8080/a?b#c"), "example.org");
  EXPECT_EQ(host_of("example.org/path@x"), "example.org");
  EXPECT_EQ(host_of("http://example.org."), "example.org");
  EXPECT_EQ(host_of(""), "");
  EXPECT_EQ(host_of("http:///x"), "");
}

TEST(UrlLists, DropADomainAndEveryOneBelowIt) {
  const std::string list = "# comment\n\nbad.example\nhttps://www.other.example/\n";
  EXPECT_FALSE(measured(UrlListKind::kDomains, list, "http://bad.example/x").kept);
  EXPECT_FALSE(measured(UrlListKind::kDomains, list, "http://a.b.BAD.example").kept);
  EXPECT_FALSE(measured(UrlListKind::kDomains, list, "http://other.example").kept);
  EXPECT_TRUE(measured(UrlListKind::kDomains, list, "http://notbad.example").kept);
  EXPECT_TRUE(measured(UrlListKind::kDomains, list, "http://good.example/bad.example").kept);
  EXPECT_TRUE(measured(UrlListKind::kDomains, list, "").kept);
}

TEST(UrlLists, HaveAFirstEntryBehindAByteOrderMark) {
  EXPECT_FALSE(measured(UrlListKind::kDomains, "\uFEFFbad.example\n", "http://bad.example/x").kept);
}

TEST(UrlLists, FindStrictWordsAnywhereWithoutMarks) {
  EXPECT_FALSE(measured(UrlListKind::kStrictWords, "casino", "http://x.org/my-Ca.si-no1").kept);
  EXPECT_TRUE(measured(UrlListKind::kStrictWords, "casino", "http://x.org/cas/ino").kept);
}

TEST(UrlLists, FindHardWordsAsWholeWords) {
  EXPECT_FALSE(measured(UrlListKind::kHardWords, "casino", "http://x.org/casino_2").kept);
  EXPECT_TRUE(measured(UrlListKind::kHardWords, "casino", "http://x.org/casinos").kept);
}

TEST(UrlLists, TakeTwoSoftWords) {
  EXPECT_TRUE(measured(UrlListKind::kSoftWords, "poker\nbet", "http://poker.org/").kept);
  const Measure two = measured(UrlListKind::kSoftWords, "poker\nbet", "http://poker.org/bet");
  EXPECT_FALSE(two.kept);
  EXPECT_EQ(two.rule, "url_soft");
  EXPECT_EQ(two.value, 2);
  EXPECT_EQ(two.threshold, 1);
}

TEST(UrlLists, KeepTheHashOfEachFile) {
  UrlLists lists;
  lists.add(UrlListKind::kHardWords, write_list("words.txt", "a\nb\n"));
  ASSERT_EQ(lists.files().size(), 1u);
  EXPECT_EQ(lists.files()[0].file, "words.txt");
  EXPECT_EQ(lists.files()[0].num_entries, 2u);
  EXPECT_EQ(lists.files()[0].sha256, sha256("a\nb\n"));
}

TEST(UrlLists, RefuseEmptyListsAndUnknownKinds) {
  UrlLists lists;
  const auto path = write_list("empty.txt", "# nothing\n");
  EXPECT_EQ(error_of([&] { lists.add(UrlListKind::kDomains, path); }).kind(), ErrorKind::kData);
  EXPECT_EQ(error_of([] { url_list_kind("domain"); }).hint(), "did you mean \"domains\"?");
  EXPECT_EQ(url_list_kind("soft"), UrlListKind::kSoftWords);
}

TEST(UrlLists, JudgeDocumentsByTheirAddressBeforeTheChain) {
  UrlLists lists;
  lists.add(UrlListKind::kDomains, write_list("domains.txt", "bad.example\n"));
  FilterFilesOptions options;
  options.files = {write_list("pages.jsonl", R"({"id":"a","text":"x","metadata":{"url":"http://bad.example/1"}})"
                                             "\n"
                                             R"({"id":"b","text":"x","metadata":{"url":"http://good.example/1"}})"
                                             "\n"
                                             R"({"id":"c","text":"x"})"
                                             "\n")};
  options.url_lists = &lists;
  std::vector<std::string> dropped_by;
  filter_files(FilterChain(find_filter_preset("gopher-paper").rules), options,
               [&](const Document&, const Judgement& judgement) { dropped_by.push_back(judgement.drop->rule); });
  EXPECT_THAT(dropped_by, testing::ElementsAre("url_domains", "gopher_word_count", "gopher_word_count"));
}

}  // namespace
}  // namespace reprise::data
