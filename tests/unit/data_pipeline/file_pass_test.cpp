// What a pass over files carries through, and what it leaves behind when it is stopped.

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "byte_source.h"
#include "corpus_fixture.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/decontamination.h"
#include "reprise/data_pipeline/deduplication.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Kills the process in the middle of a phase, or at its end.
class KillIn : public ProgressSink {
 public:
  explicit KillIn(std::string phase, bool at_end = false) : phase_(std::move(phase)), at_end_(at_end) {}
  void begin(std::string_view phase, std::int64_t, std::string_view) override { now_ = phase == phase_; }
  void update(std::int64_t, std::string_view) override {
    if (now_ && !at_end_) ::raise(SIGKILL);
  }
  void end() override {
    if (now_ && at_end_) ::raise(SIGKILL);
  }

 private:
  std::string phase_;
  bool at_end_;
  bool now_ = false;
};

class FilePasses : public CorpusFixture {
 protected:
  std::string file(const std::string& name, const std::vector<std::string>& lines) {
    std::ofstream out(corpus_dir() / name, std::ios::binary);
    for (const std::string& line : lines) out << line << "\n";
    return (corpus_dir() / name).string();
  }
  /// Some hundred kilobytes of documents, every third one a copy.
  std::string many_documents() {
    std::vector<std::string> lines;
    for (int k = 0; k < 3000; ++k) {
      const int text = k % 3 == 0 ? 0 : k;
      lines.push_back(dolma_line(std::to_string(k), "text " + sha256(std::to_string(text)).hex()));
    }
    return file("many.jsonl", lines);
  }
  DedupOptions exact() const {
    DedupOptions options;
    options.method = DedupMethod::kExact;
    options.files.output_dir = run_dir();
    options.files.num_threads = 2;
    return options;
  }
  std::vector<std::string> lines(const std::string& name) const {
    std::vector<std::string> result;
    const std::filesystem::path path = run_dir() / name;
    std::string content;
    const auto source = decompressed(file_source(path), compression_of(path), path.string(), ErrorKind::kData);
    while (source->read(content)) {
    }
    std::istringstream text(content);
    for (std::string line; std::getline(text, line);) result.push_back(line);
    return result;
  }
  std::vector<std::string> files_left() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(run_dir())) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  /// Runs `work` in a process of its own and returns what waitpid says.
  template <typename Work>
  static int in_child(Work&& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        work();
      } catch (const Error& error) {
        ::_exit(error.kind() == ErrorKind::kIo && !std::string(error.hint()).empty() ? 4 : 5);
      } catch (...) {
        ::_exit(6);
      }
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
};

TEST_F(FilePasses, CarryWhatADocumentSaysBeyondTheKnownMembers) {
  const std::string input = file(
      "a.jsonl",
      {R"({"added":"2020-01-01", "id":"1", "text":"x", "version":{"a" : [1, 1.0, -2, 1e300, true, null, "\u00e9\u0007\/"]},
"source":"s", "metadata":{"url":"https://a.b", "kind":"natural", "score":0.25, "file":"f", "line":9}})"});
  std::string joined = read_file(input);
  joined.erase(joined.find('\n'), 1);  // the line feed inside the raw string
  write_file_atomically(input, joined);
  deduplicate_files(std::vector{input}, exact(), no_progress());
  EXPECT_THAT(
      lines("kept.jsonl.zst"),
      ElementsAre(
          R"({"id":"1","text":"x","source":"s","metadata":{"kind":"natural","lang":"","license":"","file":")" + input +
          R"(","line":1,"url":"https://a.b","score":0.25},"added":"2020-01-01","version":{"a":[1,1.0,-2,1e+300,true,null,"é\u0007/"]}})"));
}

TEST_F(FilePasses, CarryMembersOfDroppedAndOfEditedDocuments) {
  const std::string input = file("a.jsonl", {R"({"id":"1","text":"same text","a":1,"dropped":{"rule":"old"}})",
                                             R"({"id":"2","text":"same text","a":2})"});
  deduplicate_files(std::vector{input}, exact(), no_progress());
  EXPECT_THAT(lines("dropped.jsonl.zst"), ElementsAre(HasSubstr(R"("a":2,"dropped":{"rule":"exact_duplicate")")));
  EXPECT_THAT(lines("kept.jsonl.zst"), ElementsAre(testing::EndsWith(R"("line":1},"a":1})")));
  DedupOptions paragraphs = exact();
  paragraphs.method = DedupMethod::kParagraph;
  paragraphs.min_paragraph_words = 2;
  const std::string other =
      file("b.jsonl", {R"({"id":"1","text":"a b\n\nc d","z":1})", R"({"id":"2","text":"a b\n\ne f","z":2})"});
  EXPECT_EQ(deduplicate_files(std::vector{other}, paragraphs, no_progress()).num_edited, 1u);
  EXPECT_THAT(lines("kept.jsonl.zst"), ElementsAre(HasSubstr(R"("z":1})"), HasSubstr(R"("z":2})")));
}

TEST_F(FilePasses, CarryEarlierTagsAndReplaceTheirOwn) {
  const std::string words = "one two three four five";
  const std::string eval = file("eval.txt", {words});
  const std::string input =
      file("a.jsonl", {R"({"id":"1","text":")" + words + R"(","contamination":"old","quality":{"contamination":1}})"});
  DecontaminationOptions options;
  options.ngram = 3;
  options.tag = true;
  options.files.output_dir = run_dir();
  decontaminate_files(std::vector{eval}, std::vector{input}, options, no_progress());
  EXPECT_THAT(lines("kept.jsonl.zst"),
              ElementsAre(testing::EndsWith(
                  R"("line":1},"quality":{"contamination":1},"contamination":{"ngrams":3,"examples":["eval:1"]}})")));
}

TEST_F(FilePasses, OfDecontaminationTakeAwayTheTagOfAnEarlierOne) {
  const std::string input = file("a.jsonl", {R"({"id":"1","text":"clean","contamination":{"ngrams":1},"a":1})"});
  DecontaminationOptions options;
  options.files.output_dir = run_dir();
  for (const bool tag : {false, true}) {
    options.tag = tag;
    decontaminate_files(std::vector{file("eval.txt", {"other"})}, std::vector{input}, options, no_progress());
    EXPECT_THAT(lines("kept.jsonl.zst"), ElementsAre(testing::EndsWith(R"("line":1},"a":1})"))) << tag;
  }
  deduplicate_files(std::vector{input}, exact(), no_progress());
  EXPECT_THAT(lines("kept.jsonl.zst"), ElementsAre(HasSubstr(R"("contamination":{"ngrams":1})")));
}

TEST_F(FilePasses, OfDeduplicationTakeAwayWhatAnEarlierDecontaminationFound) {
  const std::string input = file("a.jsonl", {dolma_line("1", "x")});
  DecontaminationOptions options;
  options.files.output_dir = run_dir();
  decontaminate_files(std::vector{file("eval.txt", {"other"})}, std::vector{input}, options, no_progress());
  EXPECT_THAT(files_left(), testing::Contains("contamination.json"));
  deduplicate_files(std::vector{input}, exact(), no_progress());
  EXPECT_THAT(files_left(), ElementsAre("dropped.jsonl.zst", "kept.jsonl.zst", "report.json"));
}

TEST_F(FilePasses, HaveTheSameDigestsWithAndWithoutOtherMembers) {
  const std::string plain = file("a.jsonl", {R"({"id":"1","text":"x"})"});
  const std::string more = file("b.jsonl", {R"({"id":"1","text":"x","more":1})"});
  const Digest expected = deduplicate_files(std::vector{plain}, exact(), no_progress()).kept;
  EXPECT_EQ(deduplicate_files(std::vector{more}, exact(), no_progress()).kept, expected);
}

TEST_F(FilePasses, KilledLeaveNoPartOfAResultAndTheNextOneCleansUp) {
  const std::string input = many_documents();
  const auto expected = deduplicate_files(std::vector{input}, exact(), no_progress());
  const std::string kept = read_file(run_dir() / "kept.jsonl.zst");
  std::filesystem::remove_all(run_dir());
  for (const char* phase : {"read", "hash", "write"}) {
    const int status = in_child([&] {
      KillIn killer(phase);
      deduplicate_files(std::vector{input}, exact(), killer);
    });
    ASSERT_TRUE(WIFSIGNALED(status)) << phase;
    for (const std::string& name : files_left()) EXPECT_EQ(name[0], '.') << phase << ": " << name;
    EXPECT_THAT(files_left(), testing::Contains(".scratch")) << phase;
  }
  EXPECT_EQ(deduplicate_files(std::vector{input}, exact(), no_progress()).kept, expected.kept);
  EXPECT_EQ(read_file(run_dir() / "kept.jsonl.zst"), kept);
  EXPECT_THAT(files_left(), ElementsAre("dropped.jsonl.zst", "kept.jsonl.zst", "report.json"));
}

TEST_F(FilePasses, KilledLeaveTheWholeResultOfAnEarlierPassUntilTheyReplaceIt) {
  const std::string input = many_documents();
  deduplicate_files(std::vector{input}, exact(), no_progress());
  const std::string kept = read_file(run_dir() / "kept.jsonl.zst");
  const std::string report = read_file(run_dir() / "report.json");
  const std::vector<std::string> inputs = {file("other.jsonl", {dolma_line("other", "other")}), input};
  const auto kill_in_write = [&](bool at_end) {
    const int status = in_child([&] {
      KillIn killer("write", at_end);
      deduplicate_files(inputs, exact(), killer);
    });
    EXPECT_TRUE(WIFSIGNALED(status));
  };
  kill_in_write(false);
  EXPECT_EQ(read_file(run_dir() / "kept.jsonl.zst"), kept);
  EXPECT_EQ(read_file(run_dir() / "report.json"), report);
  kill_in_write(true);
  EXPECT_NE(read_file(run_dir() / "kept.jsonl.zst"), kept);
  EXPECT_FALSE(std::filesystem::exists(run_dir() / "report.json")) << "the folder holds no whole pass";
}

TEST_F(FilePasses, FollowNoLinkInThePlaceOfAPartialFile) {
  const std::string input = file("a.jsonl", {dolma_line("1", "x")});
  make_folders(run_dir());
  for (const char* name : {"kept.jsonl.zst", "dropped.jsonl.zst"}) {
    std::filesystem::create_symlink(input, partial_path(run_dir() / name));
  }
  const std::string before = read_file(input);
  deduplicate_files(std::vector{input}, exact(), no_progress());
  EXPECT_EQ(read_file(input), before);
}

TEST_F(FilePasses, OfAnInputThatIsNotThereLeaveTheReportOfAnEarlierPass) {
  const std::string input = file("a.jsonl", {dolma_line("1", "x")});
  deduplicate_files(std::vector{input}, exact(), no_progress());
  const std::string report = read_file(run_dir() / "report.json");
  const std::vector<std::string> missing = {(corpus_dir() / "b.jsonl").string()};
  error_of([&] { deduplicate_files(missing, exact(), no_progress()); });
  DecontaminationOptions options;
  options.files.output_dir = run_dir();
  error_of([&] { decontaminate_files(missing, std::vector{input}, options, no_progress()); });
  EXPECT_EQ(read_file(run_dir() / "report.json"), report);
}

TEST_F(FilePasses, NameTheirOwnFlagForALineThatIsTooLong) {
  DedupOptions options = exact();
  options.files.max_line_bytes = 10;
  for (const char* name : {"a.jsonl", "a.txt"}) {
    const std::vector<std::string> input = {file(name, {dolma_line("1", "x")})};
    const Error error = error_of([&] { deduplicate_files(input, options, no_progress()); });
    EXPECT_THAT(error.hint(), HasSubstr("raise the limit: --max-line-bytes 20")) << name;
  }
}

// A limit on the size of a file fails as a full disk does: in the middle of a write.
TEST_F(FilePasses, OnAFullDiskAreACleanErrorWhereverItFillsUp) {
  const std::string input = many_documents();
  int num_failed = 0;
  for (rlim_t limit = 512; limit < (1 << 22); limit *= 2) {
    const int status = in_child([&] {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit size{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &size);
      DedupOptions options = exact();
      options.files.memory_bytes = 1 << 16;  // documents are sorted on disk
      deduplicate_files(std::vector{input}, options, no_progress());
    });
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 0) break;
    EXPECT_EQ(WEXITSTATUS(status), 4) << "limit " << limit;
    ++num_failed;
    EXPECT_THAT(files_left(), IsEmpty()) << "limit " << limit;
  }
  EXPECT_GE(num_failed, 3);
  EXPECT_THAT(files_left(), ElementsAre("dropped.jsonl.zst", "kept.jsonl.zst", "report.json"));
}

TEST_F(FilePasses, OnADiskThatFillsUpAtTheEndLeaveTheWholeResultOfAnEarlierPass) {
  const std::string input = many_documents();
  deduplicate_files(std::vector{input}, exact(), no_progress());
  const std::string report = read_file(run_dir() / "report.json");
  const rlim_t almost = std::filesystem::file_size(run_dir() / "kept.jsonl.zst") - 1;
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit size{almost, almost};
    ::setrlimit(RLIMIT_FSIZE, &size);
    deduplicate_files(std::vector{input}, exact(), no_progress());
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 4);
  EXPECT_EQ(read_file(run_dir() / "report.json"), report);
  EXPECT_THAT(files_left(), ElementsAre("dropped.jsonl.zst", "kept.jsonl.zst", "report.json"));
}

}  // namespace
}  // namespace reprise::data
