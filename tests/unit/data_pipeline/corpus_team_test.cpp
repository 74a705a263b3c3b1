// Builds by several ranks, and builds that are stopped and go on. Ranks are threads here: they share nothing but files
// and a barrier, as processes do.

#include <gmock/gmock.h>

#include <algorithm>
#include <barrier>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "corpus_fixture.h"
#include "filter_vectors.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/token_build.h"

namespace reprise::data {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kPieceBytes = 16384;  // so that a small corpus has many pieces

std::string random_word(std::mt19937& random) {
  std::string word = "w";
  for (int i = 0; i < 3; ++i) word.push_back(static_cast<char>('a' + random() % 8));
  return word;
}

/// Stops the build at its `count`th report of progress, as a signal would between two pieces.
class Stopper : public ProgressSink {
 public:
  explicit Stopper(int count) : left_(count) {}
  void begin(std::string_view, std::int64_t, std::string_view) override { step(); }
  void update(std::int64_t, std::string_view) override { step(); }
  void end() override {}

 private:
  void step() {
    if (--left_ == 0) throw Error(ErrorKind::kInternal, "stopped by the test");
  }
  int left_;
};

class TeamBuild : public CorpusFixture {
 protected:
  void SetUp() override {
    CorpusFixture::SetUp();
    use_every_step();
    write_corpus(0);
  }

  void use_every_step() {
    recipe_.set_held_out_fraction(0.2);
    *recipe_.add_filter() = rule_of("c4", "c4-tfds", {"c4_page_length"});
    recipe_.mutable_filter(0)->add_kind("natural");
    recipe_.mutable_paragraph_dedup()->set_min_words(20);
    recipe_.mutable_minhash_dedup();
    const std::string line =
        "{\"text\": \"the quick brown fox jumps over the lazy dog and runs away from it all today\"}\n";
    std::ofstream(corpus_dir() / "exam.jsonl") << line;
    configs::CorpusFile* against = recipe_.mutable_decontamination()->add_against();
    against->set_path("exam.jsonl");
    against->set_sha256(sha256(std::string_view(line)).hex());
  }

  /// Five files, whose documents and order depend on `shuffle`; the documents themselves do not.
  void write_corpus(unsigned shuffle) {
    std::vector<std::string> lines = documents();
    std::mt19937 random(shuffle);
    if (shuffle > 0) std::shuffle(lines.begin(), lines.end(), random);
    recipe_.clear_file();
    for (std::size_t file = 0; file < 5; ++file) {
      const std::size_t size = lines.size() / 5;
      const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(file * size);
      add_file(std::to_string((file * 3 + shuffle) % 5) + (file % 2 == 0 ? ".jsonl" : ".jsonl.zst"),
               {begin, begin + static_cast<std::ptrdiff_t>(size)});
    }
  }

  /// Kept, dropped, copied, nearly copied, edited and contaminated ones.
  static std::vector<std::string> documents() {
    std::mt19937 random(7);
    std::vector<std::string> lines;
    std::string last;
    for (int i = 0; i < 300; ++i) {
      std::string text;
      for (int sentence = 0; sentence < 6; ++sentence) {
        for (int word = 0; word < 12; ++word) text += random_word(random) + " ";
        text += "end.\n\n";
      }
      if (i % 9 == 0) text = "Too short.";
      if (i % 10 == 3) text = last;
      if (i % 10 == 5) text = last + "And one more sentence stands here at the end.";
      if (i % 17 == 0)
        text +=
            "This paragraph stands in many documents of the corpus and it is long enough, with its more than twenty "
            "words, to be found.\n\n";
      if (i % 23 == 0) text += "the quick brown fox jumps over the lazy dog and runs away from it all today.\n";
      const bool is_code = i % 4 == 0 || i % 10 == 3;
      if (i % 4 == 0 && i % 9 != 0) last = text;
      lines.push_back(dolma_line("doc" + std::to_string(random()) + "-" + std::to_string(i), text,
                                 i % 3 == 0 ? "es" : "en", is_code ? "code" : "natural"));
    }
    return lines;
  }

  BuildOptions options(const std::filesystem::path& run, int num_threads) const {
    BuildOptions options;
    options.corpus_dir = corpus_dir();
    options.output_dir = run;
    options.num_threads = num_threads;
    options.piece_bytes = kPieceBytes;
    return options;
  }

  static void build_all(const configs::DataRecipe& recipe, const BuildOptions& options, ProgressSink& progress) {
    configs::TokenizerRecipe tokenizer;
    tokenizer.set_vocab_size(300);
    build_corpus(recipe, options, progress);
    build_tokens(tokenizer, options, progress);
  }

  void build_with(const std::filesystem::path& run, int num_ranks, int num_threads) const {
    std::barrier barrier(num_ranks);
    std::vector<std::thread> ranks;
    for (int rank = 0; rank < num_ranks; ++rank) {
      ranks.emplace_back([&, rank] {
        BuildOptions mine = options(run, num_threads);
        mine.team = {rank, num_ranks, [&] { barrier.arrive_and_wait(); }};
        build_all(recipe_, mine, no_progress());
      });
    }
    for (std::thread& rank : ranks) rank.join();
    remove_build_files(run);
  }

  /// The content of every file in a run folder, by name.
  static std::map<std::string, std::string> tree(const std::filesystem::path& run) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(run)) {
      if (!entry.is_regular_file()) continue;
      files[entry.path().lexically_relative(run).string()] = read_file(entry.path());
    }
    return files;
  }
};

TEST_F(TeamBuild, WritesTheSameTreeForAnyNumberOfRanksAndThreads) {
  build_with(folder_ / "1x1", 1, 1);
  const auto expected = tree(folder_ / "1x1");
  EXPECT_EQ(expected.size(), 8u);  // three lists, the report, contamination, the tokenizer, two sets of shards
  for (const int ranks : {1, 2, 3, 4}) {
    for (const int threads : {1, 2}) {
      const auto run = folder_ / (std::to_string(ranks) + "x" + std::to_string(threads) + "again");
      build_with(run, ranks, threads);
      EXPECT_EQ(tree(run), expected) << ranks << " ranks, " << threads << " threads";
    }
  }
}

TEST_F(TeamBuild, ExercisesEveryStep) {
  build_with(run_dir(), 2, 2);
  std::map<std::string, int> rules;
  for (const DroppedDocument& document : dropped()) ++rules[document.drop.rule];
  for (const char* rule : {"exact_duplicate", "minhash_duplicate", "eval_contamination", "c4_min_sentences"}) {
    EXPECT_GT(rules[rule], 0) << rule;
  }
  EXPECT_THAT(read_file(run_dir() / "data" / "report.json"), HasSubstr("duplicate_paragraphs"));
}

TEST_F(TeamBuild, GivesTheSameDigestsForShuffledInputOnAnyNumberOfRanks) {
  build_with(folder_ / "first", 1, 1);
  const CorpusResult first = read_corpus_result(folder_ / "first");
  for (const unsigned shuffle : {1u, 2u, 3u}) {
    write_corpus(shuffle);
    const auto run = folder_ / std::to_string(shuffle);
    build_with(run, static_cast<int>(shuffle), 2);
    const CorpusResult result = read_corpus_result(run);
    EXPECT_EQ(result.kept, first.kept);
    EXPECT_EQ(result.held_out, first.held_out);
    EXPECT_EQ(result.dropped, first.dropped);
    EXPECT_EQ(result.report, first.report);
    EXPECT_EQ(read_file(run / "tokenizer" / "tokenizer.json"),
              read_file(folder_ / "first" / "tokenizer" / "tokenizer.json"));
  }
}

TEST_F(TeamBuild, GoesOnWhereverItWasStoppedWithAnotherNumberOfRanks) {
  build_with(folder_ / "whole", 1, 1);
  const auto expected = tree(folder_ / "whole");
  int num_stops = 0;
  for (int stop = 1;; stop += 1 + stop / 4) {
    const auto run = folder_ / ("stopped" + std::to_string(stop));
    Stopper stopper(stop);
    try {
      build_all(recipe_, options(run, 1), stopper);
      break;  // the build reports no more often
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), HasSubstr("stopped by the test"));
    }
    ++num_stops;
    build_with(run, 1 + stop % 3, 1 + stop % 2);
    EXPECT_EQ(tree(run), expected) << "stopped at report " << stop;
    std::filesystem::remove_all(run);
  }
  EXPECT_GT(num_stops, 10);
}

TEST_F(TeamBuild, DoesNotMakeFinishedPiecesAgain) {
  const auto segments = run_dir() / "data" / ".build" / "segments";
  const auto num_segments = [&] {
    return std::filesystem::exists(segments)
               ? std::distance(std::filesystem::directory_iterator(segments), std::filesystem::directory_iterator())
               : 0;
  };
  for (int stop = 1; num_segments() < 4; ++stop) {
    Stopper stopper(stop);
    EXPECT_THROW(build_all(recipe_, options(run_dir(), 1), stopper), Error);
  }
  std::map<std::filesystem::path, std::filesystem::file_time_type> before;
  for (const auto& entry : std::filesystem::directory_iterator(segments))
    before[entry.path()] = entry.last_write_time();
  ASSERT_GT(before.size(), 3u);
  build_all(recipe_, options(run_dir(), 2), no_progress());
  for (const auto& [path, time] : before) EXPECT_EQ(std::filesystem::last_write_time(path), time) << path;
}

TEST_F(TeamBuild, TakesNothingFromAStoppedBuildOfAnotherRecipe) {
  build_with(folder_ / "whole", 1, 1);
  configs::DataRecipe other = recipe_;
  other.clear_filter();
  Stopper stopper(60);
  EXPECT_THROW(build_all(other, options(run_dir(), 1), stopper), Error);
  build_with(run_dir(), 2, 1);
  EXPECT_EQ(tree(run_dir()), tree(folder_ / "whole"));
}

TEST_F(TeamBuild, TakesNothingFromAStoppedBuildOfOtherFiles) {
  Stopper stopper(60);
  EXPECT_THROW(build_all(recipe_, options(run_dir(), 1), stopper), Error);
  write_corpus(2);
  build_with(run_dir(), 2, 1);
  build_with(folder_ / "whole", 1, 1);
  EXPECT_EQ(tree(run_dir()), tree(folder_ / "whole"));
}

TEST_F(TeamBuild, LeavesAnOlderWholeBuildAloneUntilTheNewOneIsWhole) {
  build_with(run_dir(), 1, 1);
  const auto before = tree(run_dir() / "shards");
  recipe_.set_held_out_fraction(0.4);
  Stopper stopper(30);
  EXPECT_THROW(build_all(recipe_, options(run_dir(), 1), stopper), Error);
  EXPECT_EQ(tree(run_dir() / "shards"), before);
  EXPECT_NO_THROW(read_corpus_result(run_dir()));
}

}  // namespace
}  // namespace reprise::data
