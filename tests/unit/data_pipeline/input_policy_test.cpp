// What readers accept, and what a policy passes over: every fault either stops the build or is skipped and counted.

#include <gmock/gmock.h>
#include <zlib.h>

#include <fstream>

#include "corpus_fixture.h"
#include "reprise/data_pipeline/inputs.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string gzip_member(const std::string& content) {
  ::z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string member(::deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(member.data());
  stream.avail_out = static_cast<uInt>(member.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  member.resize(stream.total_out);
  ::deflateEnd(&stream);
  return member;
}

std::string digest_of(const std::string& content) { return sha256(std::string_view(content)).hex(); }

class Inputs : public CorpusFixture {
 protected:
  void SetUp() override {
    CorpusFixture::SetUp();
    accept_changed_corpus_ = true;
  }
  configs::BadInput& policy() { return *recipe_.mutable_bad_input(); }
  Error build_error() {
    return error_of([&] { build(); });
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (const Document& document : train()) ids.push_back(document.id);
    return ids;
  }
  std::map<std::string, std::uint64_t> skipped(std::size_t file = 0) const {
    return read_report(run_dir()).inputs.at(file).skipped;
  }
  /// Builds from one file of two good lines around `bad`, first as it is, then with `skip` set.
  void expect_stop_then_skip(const std::string& bad, const std::string& what, const std::string& fault,
                             const std::function<void(configs::BadInput&)>& skip) {
    recipe_.clear_file();
    recipe_.clear_bad_input();
    add_file("a.jsonl", {dolma_line("1", "one"), bad, dolma_line("3", "three")});
    const Error error = build_error();
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), HasSubstr(what));
    EXPECT_THAT(error.what(), HasSubstr("a.jsonl:2"));
    EXPECT_FALSE(error.hint().empty());
    skip(policy());
    build();
    EXPECT_THAT(ids(), ElementsAre("1", "3"));
    EXPECT_THAT(skipped(), ElementsAre(Pair(fault, 1)));
  }
  /// Builds from a good file and a text file of `bytes` that is passed over; the recipe states the hash of `content`.
  void expect_hash_of_skipped_text(const std::string& name, const std::string& bytes, const std::string& content,
                                   const std::string& fault) {
    recipe_.clear_file();
    accept_changed_corpus_ = false;
    add_file("a.jsonl", {dolma_line("1", "one")});
    add_raw_file(name, bytes, digest_of(content));
    build();
    EXPECT_THAT(ids(), ElementsAre("1"));
    const ReportInput input = read_report(run_dir()).inputs.at(1);
    EXPECT_EQ(input.sha256, digest_of(content)) << name;
    EXPECT_EQ(input.num_bytes, content.size()) << name;
    EXPECT_THAT(input.skipped, ElementsAre(Pair(fault, 1))) << name;
  }
};

TEST_F(Inputs, ReadsSeveralGzipMembersAndZerosBehindThem) {
  const std::string first = dolma_line("1", "one") + "\n";
  const std::string second = dolma_line("2", "two");
  accept_changed_corpus_ = false;
  add_raw_file("a.jsonl.gz", gzip_member(first) + gzip_member(second) + std::string(512, '\0'),
               digest_of(first + second));
  build();
  EXPECT_THAT(ids(), ElementsAre("1", "2"));
}

TEST_F(Inputs, ReadsAGzipFileWhoseSizeIsAMultipleOfTheChunk) {
  for (const std::size_t extra : {0u, 1u, 131072u}) {
    const std::string head = dolma_line("1", "");
    const std::string line = dolma_line("1", std::string(131072 + extra - head.size() - 1, 'x')) + "\n";
    recipe_.clear_file();
    add_raw_file("a.jsonl.gz", gzip_member(line), digest_of(line));
    EXPECT_EQ(build().num_kept, 1u);
  }
}

TEST_F(Inputs, ATextFileIsOneDocumentCalledByItsPath) {
  std::filesystem::create_directories(corpus_dir() / "books");
  accept_changed_corpus_ = false;
  add_raw_file("books/a.txt", "First line\nsecond line\n");
  add_raw_file("b.txt.zst", zstd_frame("Another"), digest_of("Another"));
  add_raw_file("c.txt.gz", gzip_member("Third"), digest_of("Third"));
  build();
  const std::vector<Document> documents = train();
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(documents[0].id, "b.txt.zst");
  EXPECT_EQ(documents[0].text, "Another");
  EXPECT_EQ(documents[1].id, "books/a.txt");
  EXPECT_EQ(documents[1].text, "First line\nsecond line");
  EXPECT_EQ(documents[2].text, "Third");
}

TEST_F(Inputs, AGlobStandsForItsFilesAndOneHashOfTheirListing) {
  accept_changed_corpus_ = false;
  const std::string one = dolma_line("1", "one") + "\n";
  const std::string two = dolma_line("2", "two") + "\n";
  std::ofstream(corpus_dir() / "b.jsonl", std::ios::binary) << two;
  std::ofstream(corpus_dir() / "a.jsonl", std::ios::binary) << one;
  configs::CorpusFile* file = recipe_.add_file();
  file->set_path("*.jsonl");
  file->set_sha256(digest_of(digest_of(one) + "  a.jsonl\n" + digest_of(two) + "  b.jsonl\n"));
  EXPECT_TRUE(build().mismatched_files.empty());
  EXPECT_THAT(ids(), ElementsAre("1", "2"));
  file->set_sha256(std::string(64, '0'));
  EXPECT_THAT(build_error().what(), HasSubstr("*.jsonl: SHA-256 of its content: expected 000"));
}

TEST_F(Inputs, AGlobIsReadInAFolderWhoseOwnNameHoldsItsCharacters) {
  const std::string one = dolma_line("1", "one") + "\n";
  configs::CorpusFile* file = recipe_.add_file();
  file->set_path("*/[a-b].jsonl");
  file->set_sha256(digest_of(digest_of(one) + "  part/a.jsonl\n"));
  int number = 0;
  for (const char* name : {"news[2024]", "a*", "what?", "back\\slash", "[", "\\[x]"}) {
    BuildOptions options;
    options.corpus_dir = folder_ / name;
    options.output_dir = folder_ / ("run" + std::to_string(++number));
    std::filesystem::create_directories(options.corpus_dir / "part");
    std::ofstream(options.corpus_dir / "part" / "a.jsonl", std::ios::binary) << one;
    EXPECT_TRUE(build_corpus(recipe_, options, no_progress()).mismatched_files.empty()) << name;
    const Report report = read_report(options.output_dir);
    ASSERT_EQ(report.inputs.size(), 1u) << name;
    EXPECT_EQ(report.inputs[0].file, "part/a.jsonl") << name;
  }
}

TEST_F(Inputs, AFileThatTwoEntriesNameIsAnError) {
  add_file("a.jsonl", {dolma_line("1", "one")});
  recipe_.add_file()->set_path("*.jsonl");
  EXPECT_THAT(build_error().what(), HasSubstr("name the same file: a.jsonl"));
}

TEST_F(Inputs, TextsAreThoseOfDocumentsOrWholeFilesAndNeverCompressedBytes) {
  const auto texts_of = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(corpus_dir() / name, std::ios::binary) << bytes;
    std::vector<std::string> texts;
    for_each_text(corpus_dir() / name, [&](std::string_view text) { texts.emplace_back(text); });
    return texts;
  };
  const std::string lines = dolma_line("1", "one") + "\n" + dolma_line("2", "two") + "\n";
  for (const char* name : {"a.jsonl", "a.ndjson", "a.json"}) {
    EXPECT_THAT(texts_of(name, lines), ElementsAre("one", "two")) << name;
  }
  EXPECT_THAT(texts_of("a.json.gz", gzip_member(lines)), ElementsAre("one", "two"));
  EXPECT_THAT(texts_of("a.txt.gz", gzip_member("one\ntwo")), ElementsAre("one\ntwo"));
  EXPECT_THAT(texts_of("a.txt.zst", zstd_frame("one\ntwo")), ElementsAre("one\ntwo"));
  EXPECT_THAT(texts_of("a.txt", "one\xFF"), ElementsAre("one\xFF"));
  EXPECT_THAT(texts_of("a.txt.gz", gzip_member("one\xFF")), ElementsAre("one\xFF")) << "as plain";
  EXPECT_THAT(texts_of("a.md", "one"), ElementsAre("one"));
  EXPECT_THAT(error_of([&] { texts_of("a.md.gz", gzip_member("one")); }).what(), HasSubstr("compressed"));
  EXPECT_THAT(error_of([&] { texts_of("a.parquet", "PAR1"); }).what(), HasSubstr("a table"));
  for (const char* name :
       {"a.jsonl", "a.json", "a.txt.gz", "a.txt.zst", "a.jsonl.zst", "a.jsonl.bz2", "a.xz", "a.arrow"}) {
    EXPECT_EQ(error_of([&] { require_one_text(name); }).kind(), ErrorKind::kData) << name;
  }
  EXPECT_NO_THROW(require_one_text("a.txt"));
}

TEST_F(Inputs, ATruncatedFileStopsOrLosesItsRest) {
  std::string lines;
  for (int i = 100; i < 2100; ++i) lines += dolma_line(std::to_string(i), "text " + std::to_string(i * 7919)) + "\n";
  for (const bool gzip : {true, false}) {
    const std::string whole = gzip ? gzip_member(lines) : zstd_frame(lines) + zstd_frame(lines.substr(0, 0));
    const std::string name = gzip ? "a.jsonl.gz" : "a.jsonl.zst";
    for (const std::size_t size : {std::size_t{0}, std::size_t{3}, whole.size() / 2, whole.size() - 1}) {
      recipe_.clear_file();
      recipe_.clear_bad_input();
      add_raw_file(name, whole.substr(0, size));
      const Error error = build_error();
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_THAT(error.what(), HasSubstr(gzip ? "truncated gzip data" : "truncated zstd data")) << size;
      EXPECT_THAT(error.what(), HasSubstr(name + ": byte " + std::to_string(size)));
      policy().set_damaged_file("skip");
      add_file("b.jsonl", {dolma_line("0", "whole")});
      build();
      EXPECT_EQ(ids().front(), "0");
      EXPECT_LE(ids().size(), 2001u);
      EXPECT_THAT(skipped(), ElementsAre(Pair("damaged_file", 1)));
    }
  }
}

TEST_F(Inputs, DamagedGzipDataStopsOrLosesItsRest) {
  std::string member = gzip_member(dolma_line("1", "one") + "\n");
  member[member.size() - 6] = static_cast<char>(member[member.size() - 6] ^ 1);  // of the checksum
  add_raw_file("a.jsonl.gz", member);
  EXPECT_THAT(build_error().what(), HasSubstr("not valid gzip data (incorrect data check)"));
  policy().set_damaged_file("skip");
  build();
  EXPECT_THAT(ids(), ElementsAre("1"));
}

TEST_F(Inputs, InvalidJsonStopsOrIsSkipped) {
  const auto skip = [](configs::BadInput& bad) { bad.set_invalid_json("skip"); };
  expect_stop_then_skip(R"({"id":"2","text":)", "line is not JSON", "invalid_json", skip);
  expect_stop_then_skip("nonsense", "line is not JSON", "invalid_json", skip);
}

TEST_F(Inputs, ANumberThatNoTypeHoldsIsNamedAsOne) {
  add_file("a.jsonl", {R"({"id":"1","text":"one","hash":123456789012345678901234567890})"});
  EXPECT_THAT(build_error().what(), HasSubstr("line holds a number that is no JSON, or more than 64 bits"));
}

TEST_F(Inputs, AByteOrderMarkStandsBeforeTheFirstLineAlone) {
  add_file("a.jsonl", {"\uFEFF" + dolma_line("1", "one"), dolma_line("2", "two")});
  build();
  EXPECT_THAT(ids(), ElementsAre("1", "2"));
  add_file("b.jsonl", {dolma_line("3", "three"), "\uFEFF" + dolma_line("4", "four")});
  EXPECT_THAT(build_error().what(), HasSubstr("b.jsonl:2"));
}

TEST_F(Inputs, ANulByteIsNoJsonAndAnEscapedOneLeavesTheText) {
  const std::string nul(1, '\0');
  const auto skip = [](configs::BadInput& bad) { bad.set_invalid_json("skip"); };
  expect_stop_then_skip("{\"id\":\"2\",\"text\":\"a" + nul + "b\"}", "line is not JSON", "invalid_json", skip);
  recipe_.clear_file();
  add_file("a.jsonl", {R"({"id":"1","text":"a\u0000b"})"});
  add_raw_file("b.txt", "c" + nul + "d");
  build();
  EXPECT_EQ(train()[0].text, "ab");
  EXPECT_EQ(train()[1].text, "cd");
}

TEST_F(Inputs, NestingTenThousandDeepStopsOrIsSkipped) {
  const std::string deep = R"({"id":"2","text":"x","deep":)" + std::string(10000, '[') + std::string(10000, ']') + "}";
  expect_stop_then_skip(deep, "line is not JSON", "invalid_json",
                        [](configs::BadInput& bad) { bad.set_invalid_json("skip"); });
}

TEST_F(Inputs, InvalidUtf8StopsOrIsSkipped) {
  expect_stop_then_skip("{\"id\":\"2\",\"text\":\"\xff\"}", "not valid UTF-8", "invalid_utf8",
                        [](configs::BadInput& bad) { bad.set_invalid_utf8("skip"); });
}

TEST_F(Inputs, WrongTypesStopOrAreSkipped) {
  const auto skip = [](configs::BadInput& bad) { bad.set_wrong_type("skip"); };
  expect_stop_then_skip(R"([1])", "not a JSON object", "wrong_type", skip);
  expect_stop_then_skip(R"({"id":2,"text":"x"})", "\"id\" of a document is not a string", "wrong_type", skip);
  expect_stop_then_skip(R"({"id":"2","text":null})", "\"text\" of a document is not a string", "wrong_type", skip);
}

TEST_F(Inputs, MissingIdAndTextStopOrAreSkipped) {
  const auto skip_id = [](configs::BadInput& bad) { bad.set_missing_id("skip"); };
  expect_stop_then_skip(R"({"text":"x"})", "no \"id\"", "missing_id", skip_id);
  expect_stop_then_skip(R"({"id":"","text":"x"})", "\"id\" of a document is empty", "missing_id", skip_id);
  expect_stop_then_skip(R"({"id":"2"})", "no \"text\"", "missing_text",
                        [](configs::BadInput& bad) { bad.set_missing_text("skip"); });
}

TEST_F(Inputs, ALineOfAHundredMegabytesStopsOrIsSkipped) {
  expect_stop_then_skip(dolma_line("2", std::string(100'000'000, 'x')), "longer than 33554432 bytes", "long_line",
                        [](configs::BadInput& bad) { bad.set_long_line("skip"); });
}

TEST_F(Inputs, ALongLastLineAndALongTextFileAreSkipped) {
  recipe_.set_max_line_bytes(100);
  add_raw_file("a.jsonl", R"({"id":"1","text":"one"})"
                          "\n" +
                              std::string(1'000'000, ' '));
  add_raw_file("b.txt", std::string(101, 'x'));
  EXPECT_THAT(build_error().what(), HasSubstr("a.jsonl:2"));
  policy().set_long_line("skip");
  build();
  EXPECT_THAT(ids(), ElementsAre("1"));
  EXPECT_THAT(skipped(0), ElementsAre(Pair("long_line", 1)));
  EXPECT_THAT(skipped(1), ElementsAre(Pair("long_line", 1)));
}

TEST_F(Inputs, ASkippedTextThatIsNotUtf8IsPartOfTheHashOfItsFile) {
  policy().set_invalid_utf8("skip");
  const std::string text = "caf\xe9 au lait\n";
  expect_hash_of_skipped_text("b.txt", text, text, "invalid_utf8");
}

TEST_F(Inputs, ASkippedTextThatIsTooLongIsPartOfTheHashOfItsFileToTheEnd) {
  recipe_.set_max_line_bytes(1000);
  policy().set_long_line("skip");
  const std::string text = std::string(1'000'000, 'x') + "end";
  expect_hash_of_skipped_text("b.txt", text, text, "long_line");
  expect_hash_of_skipped_text("b.txt.gz", gzip_member(text), text, "long_line");
  expect_hash_of_skipped_text("b.txt.zst", zstd_frame(text), text, "long_line");
}

TEST_F(Inputs, WhatADamagedTextFileHandsOutIsPartOfItsHash) {
  policy().set_damaged_file("skip");
  std::string member = gzip_member("A text");
  member[member.size() - 6] = static_cast<char>(member[member.size() - 6] ^ 1);  // of the checksum
  expect_hash_of_skipped_text("b.txt.gz", member, "A text", "damaged_file");
}

TEST_F(Inputs, DamageBehindATextThatIsTooLongIsAFaultOfItsOwn) {
  recipe_.set_max_line_bytes(1000);
  policy().set_long_line("skip");
  std::string member = gzip_member(std::string(1'000'000, 'x'));
  member[member.size() - 6] = static_cast<char>(member[member.size() - 6] ^ 1);  // of the checksum
  add_file("a.jsonl", {dolma_line("1", "one")});
  add_raw_file("b.txt.gz", member);
  EXPECT_THAT(build_error().what(), HasSubstr("not valid gzip data"));
  policy().set_damaged_file("skip");
  build();
  EXPECT_THAT(skipped(1), ElementsAre(Pair("damaged_file", 1), Pair("long_line", 1)));
}

TEST_F(Inputs, OfDocumentsWithOneIdTheSmallestHashOfTheTextStaysWhereOthersAreSkipped) {
  // By sha256sum: "plum" 04672556..., "apple" 3a7bd3e2..., "pear" 97cfbe87...
  const std::vector<std::string> texts = {"plum", "apple", "pear"};
  for (std::size_t first = 0; first < 3; ++first) {
    recipe_.clear_file();
    recipe_.clear_bad_input();
    for (std::size_t i = 0; i < 3; ++i) {
      add_file(std::string(1, static_cast<char>('a' + i)) + ".jsonl", {dolma_line("7", texts[(first + i) % 3])});
    }
    EXPECT_THAT(build_error().what(), HasSubstr("two documents have the same id"));
    policy().set_duplicate_id("skip");
    build();
    ASSERT_EQ(train().size(), 1u);
    EXPECT_EQ(train()[0].text, "plum");
  }
}

TEST_F(Inputs, AnEmptyDocumentIsDroppedByRuleNotByPolicy) {
  add_file("a.jsonl", {dolma_line("1", "one"), dolma_line("2", ""), dolma_line("3", " \r\n\t")});
  build();
  EXPECT_THAT(ids(), ElementsAre("1"));
  ASSERT_EQ(dropped().size(), 2u);
  EXPECT_EQ(dropped()[0].drop.rule, "empty_text");
  EXPECT_TRUE(skipped().empty());
}

TEST_F(Inputs, WhatWasSkippedIsPartOfTheDigestOfTheCorpus) {
  add_file("a.jsonl", {dolma_line("1", "one"), "x"});
  policy().set_invalid_json("skip");
  const Digest with = build().corpus;
  Report report = read_report(run_dir());
  EXPECT_EQ(inputs_digest(report), with);
  report.inputs[0].skipped.clear();
  EXPECT_NE(inputs_digest(report), with);
}

TEST_F(Inputs, UnknownFaultsAreNamedWithTheNearestKnown) {
  InputPolicy policy;
  const Error error = error_of([&] { policy.skip("invalid_jso"); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.hint(), HasSubstr("invalid_json"));
}

}  // namespace
}  // namespace reprise::data
