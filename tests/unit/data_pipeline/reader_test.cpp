// Bad input: every mistake of a corpus file is an error that says what, where, and what to do.

#include <gmock/gmock.h>

#include <fstream>

#include "corpus_fixture.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class Reader : public CorpusFixture {
 protected:
  Error build_error() {
    return error_of([&] { build(); });
  }
};

TEST_F(Reader, ReadsPlainAndCompressedFiles) {
  add_file("a.jsonl", {dolma_line("1", "one")});
  add_file("b.jsonl.zst", {dolma_line("2", "two", "es", "natural", "src")});
  build();
  const std::vector<Document> documents = train();
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(documents[0].text, "one");
  EXPECT_EQ(documents[1].id, "2");
  EXPECT_EQ(documents[1].language, "es");
  EXPECT_EQ(documents[1].kind, "natural");
  EXPECT_EQ(documents[1].source, "src");
  EXPECT_EQ(documents[1].license, "CC0-1.0");
  EXPECT_EQ(documents[1].source_file, "b.jsonl.zst");
  EXPECT_EQ(documents[1].source_line, 1u);
}

TEST_F(Reader, ReadsSeveralFramesAndBlankLinesAndALastLineWithoutLineFeed) {
  const std::string first = dolma_line("1", "one") + "\n\n" + dolma_line("2", "two");
  const std::string second = "\r\n" + dolma_line("3", "three");
  add_raw_file("a.jsonl.zst", zstd_frame(first) + zstd_frame(second), sha256(std::string_view(first + second)).hex());
  build();
  const std::vector<Document> documents = train();
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(documents[1].source_line, 3u);
  EXPECT_EQ(documents[2].source_line, 4u);
}

TEST_F(Reader, ReadsAFileWhoseSizeIsAMultipleOfTheChunk) {
  // Exactly full output buffers at the end of a frame must not look like the beginning of another frame.
  for (const std::size_t extra : {0u, 1u, 131072u}) {
    const std::string head = dolma_line("1", "");
    const std::string line = dolma_line("1", std::string(131072 + extra - head.size() - 1, 'x')) + "\n";
    ASSERT_EQ(line.size(), 131072 + extra);
    recipe_.clear_file();
    add_raw_file("a.jsonl.zst", zstd_frame(line), sha256(std::string_view(line)).hex());
    EXPECT_EQ(build().num_kept, 1u);
  }
}

TEST_F(Reader, NamesTheOffsetOfATruncatedZstdFile) {
  std::string lines;
  for (int i = 0; i < 2000; ++i)
    lines += dolma_line(std::to_string(i), "text number " + std::to_string(i * 7919)) + "\n";
  const std::string frame = zstd_frame(lines);
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, frame.size() / 2, frame.size() - 1}) {
    recipe_.clear_file();
    add_raw_file("a.jsonl.zst", frame.substr(0, size), sha256(std::string_view(lines)).hex());
    const Error error = build_error();
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), HasSubstr("truncated zstd data"));
    EXPECT_THAT(error.what(), HasSubstr("a.jsonl.zst: byte " + std::to_string(size)));
  }
}

TEST_F(Reader, ReadsAZstdFrameWithALargeWindow) {
  const std::string line = dolma_line("1", "one") + "\n";
  std::string frame("\x28\xB5\x2F\xFD\x00", 5);
  frame += static_cast<char>((28 - 10) << 3);      // a window of 256 MiB
  const std::size_t block = line.size() << 3 | 1;  // raw, and the last
  for (int k = 0; k < 3; ++k) frame += static_cast<char>(block >> 8 * k & 0xFF);
  add_raw_file("a.jsonl.zst", frame + line, sha256(std::string_view(line)).hex());
  EXPECT_EQ(build().num_kept, 1u);
}

TEST_F(Reader, RefusesAFileThatIsNotZstd) {
  add_raw_file("a.jsonl.zst", dolma_line("1", "one"));
  const Error error = build_error();
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("not valid zstd data"));
}

TEST_F(Reader, NamesTheLineAndByteOfInvalidUtf8) {
  const std::string good = dolma_line("1", "\u00e9");
  std::string bad = dolma_line("2", "abcXdef");
  const std::size_t at = bad.find('X');
  bad[at] = '\xC3';
  add_file("a.jsonl", {good, bad});
  const Error error = build_error();
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(error.what(), HasSubstr("byte 0xc3 at byte " + std::to_string(at) + " of the line"));
  EXPECT_THAT(error.what(), HasSubstr("byte " + std::to_string(good.size() + 1 + at) + " of the content"));
  EXPECT_THAT(error.what(), EndsWith("a.jsonl:2"));
  EXPECT_THAT(error.hint(), HasSubstr("UTF-8"));
}

TEST_F(Reader, RefusesALineOfFiftyMegabytes) {
  const std::string line = dolma_line("2", std::string(50'000'000, 'x'));
  add_file("a.jsonl.zst", {dolma_line("1", "one"), line});
  const Error error = build_error();
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("longer than 33554432 bytes"));
  EXPECT_THAT(error.what(), HasSubstr("a.jsonl.zst:2"));
  EXPECT_THAT(error.hint(), HasSubstr("recipe.data.max_line_bytes"));
}

TEST_F(Reader, AcceptsALineOfExactlyTheLimit) {
  const std::string line = dolma_line("1", "some text");
  recipe_.set_max_line_bytes(line.size());
  add_file("a.jsonl", {line});
  EXPECT_EQ(build().num_kept, 1u);
  recipe_.set_max_line_bytes(line.size() - 1);
  EXPECT_THAT(build_error().what(), HasSubstr("a.jsonl:1"));
}

TEST_F(Reader, NamesTheLineWithoutIdOrText) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"text":"x"})", "no \"id\""},
      {R"({"id":"2"})", "no \"text\""},
      {R"({"id":2,"text":"x"})", "\"id\" of a document is not a string"},
      {R"({"id":"","text":"x"})", "\"id\" of a document is empty"},
      {R"({"id":"2","text":null})", "\"text\" of a document is not a string"},
      {R"({"id":"2","text":"x","metadata":3})", "\"metadata\" of a document is not an object"},
      {R"({"id":"2","text":"x","metadata":{"lang":3}})", "\"lang\" of a document is not a string"},
      {R"({"id":"2","text":"x")", "line is not JSON"},
      {R"({"id":"2","text":"\ud800"})", "line is not JSON"},
      {R"(["id"])", "line is not a JSON object"},
  };
  for (const auto& [line, what] : cases) {
    recipe_.clear_file();
    add_file("a.jsonl", {dolma_line("1", "one"), line});
    const Error error = build_error();
    EXPECT_EQ(error.kind(), ErrorKind::kData) << line;
    EXPECT_THAT(error.what(), HasSubstr(what)) << line;
    EXPECT_THAT(error.what(), EndsWith("a.jsonl:2")) << line;
    EXPECT_FALSE(error.hint().empty()) << line;
  }
}

TEST_F(Reader, SaysHowToMendWhatPythonAndPrettyPrintersWrite) {
  for (const char* line : {R"({"id":"2","text":"x","score":NaN})", "{"}) {
    recipe_.clear_file();
    add_file("a.jsonl", {line});
    EXPECT_THAT(build_error().hint(), HasSubstr("`jq -c . FILE`")) << line;
  }
}

TEST_F(Reader, NamesBothPlacesOfADuplicateId) {
  add_file("b.jsonl", {dolma_line("1", "one"), dolma_line("7", "x")});
  add_file("a.jsonl", {dolma_line("7", "y")});
  const Error error = build_error();
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("a.jsonl:1 and b.jsonl:2: 7"));
}

TEST_F(Reader, RefusesAnEmptyCorpus) {
  add_raw_file("a.jsonl", "");
  const Error error = build_error();
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("holds no documents"));
}

TEST_F(Reader, SaysWhatWasPassedOverWhereNoDocumentIsLeft) {
  add_file("a.jsonl", {"x", "y"});
  add_file("b.jsonl", {"z", R"({"id":"1"})"});
  recipe_.mutable_bad_input()->set_invalid_json("skip");
  recipe_.mutable_bad_input()->set_missing_text("skip");
  const Error error = build_error();
  EXPECT_THAT(error.what(), HasSubstr("2 file(s) in " + corpus_dir().string() +
                                      "; passed over 3 time(s): invalid_json; passed over 1 time(s): missing_text"));
  EXPECT_THAT(error.hint(), HasSubstr("data.bad_input.invalid_json=\"stop\""));
}

TEST_F(Reader, RefusesAMissingFile) {
  recipe_.add_file()->set_path("missing.jsonl");
  const Error error = build_error();
  EXPECT_EQ(error.kind(), ErrorKind::kIo);
  EXPECT_THAT(error.what(), HasSubstr("missing.jsonl"));
}

TEST_F(Reader, RefusesANameThatIsNotUtf8BeforeItReadsAnything) {
  const std::string path = (corpus_dir() / "a\xFF.jsonl").string();
  std::ofstream(path, std::ios::binary) << "no document";
  recipe_.add_file()->set_path("*.jsonl");
  const Error error = build_error();
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), EndsWith("name of an input file is not UTF-8: a\xFF.jsonl"));
  EXPECT_THAT(error.hint(), HasSubstr("rename the file"));
  for (const std::string& given : {path, (corpus_dir() / "*.jsonl").string()}) {
    EXPECT_EQ(error_of([&] { expand_inputs(std::vector{given}); }).kind(), ErrorKind::kData) << given;
  }
}

TEST_F(Reader, SaysWhatToSetWhenAHashDiffers) {
  add_file("a.jsonl", {dolma_line("1", "one")});
  add_file("b.jsonl", {dolma_line("2", "two")});
  const std::string found = recipe_.file(1).sha256();
  const std::string expected(64, '0');
  recipe_.mutable_file(1)->set_sha256(expected);
  const Error error = build_error();
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("b.jsonl"));
  EXPECT_THAT(error.what(), HasSubstr("expected " + expected + ", found " + found));
  EXPECT_THAT(error.hint(), HasSubstr("--set recipe.data.file[1].sha256=" + found));
  accept_changed_corpus_ = true;
  EXPECT_THAT(build().mismatched_files, ElementsAre("b.jsonl"));
}

TEST_F(Reader, ReportsAChangedFileOfOurOwnAsCorrupt) {
  add_file("a.jsonl", {dolma_line("1", "one")});
  build();
  std::ofstream(train_path(run_dir()), std::ios::binary) << zstd_frame("{\"id\":\"1\"}\n");
  const Error error = error_of([&] { read_corpus_result(run_dir()); });
  EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(error.what(), HasSubstr("train.jsonl.zst:1"));
}

}  // namespace
}  // namespace reprise::data
