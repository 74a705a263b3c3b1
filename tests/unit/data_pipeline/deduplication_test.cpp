// Which documents and paragraphs stay, whatever the order, the files, the threads and the memory.

#include "reprise/data_pipeline/deduplication.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "corpus_fixture.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/recount.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// `count` words that depend on `seed` alone.
std::string random_words(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);  // its values are fixed by the standard
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    for (std::uint64_t value = random() % 1'000'000; value > 0; value /= 26)
      text += static_cast<char>('a' + value % 26);
  }
  return text;
}

class Deduplication : public CorpusFixture {
 protected:
  std::string file(const std::string& name, const std::vector<std::string>& lines) {
    std::ofstream out(corpus_dir() / name, std::ios::binary);
    for (const std::string& line : lines) out << line << "\n";
    return (corpus_dir() / name).string();
  }
  FilePassResult run(const std::vector<std::string>& files, DedupMethod method, int num_threads = 2,
                     std::uint64_t memory_bytes = 1 << 28) {
    DedupOptions options;
    options.method = method;
    options.minhash = setting_;
    options.min_paragraph_words = 2;
    options.files.output_dir = run_dir();
    options.files.num_threads = num_threads;
    options.files.memory_bytes = memory_bytes;
    options.files.policy = policy_;
    return deduplicate_files(files, options, no_progress());
  }
  std::vector<Document> kept() const {
    std::vector<Document> documents;
    for_each_document(run_dir() / "kept.jsonl.zst", [&](const Document& d) { documents.push_back(d); });
    return documents;
  }
  std::vector<std::string> kept_ids() const {
    std::vector<std::string> ids;
    for (const Document& document : kept()) ids.push_back(document.id);
    return ids;
  }
  std::vector<DroppedDocument> dropped_documents() const {
    std::vector<DroppedDocument> documents;
    for_each_dropped(run_dir() / "dropped.jsonl.zst", [&](const DroppedDocument& d) { documents.push_back(d); });
    return documents;
  }

  MinHashSetting setting_;
  InputPolicy policy_;
};

TEST_F(Deduplication, ExactKeepsTheSmallestIdOfEachTextAndNamesIt) {
  run({file("a.jsonl", {dolma_line("3", "x"), dolma_line("1", "y"), dolma_line("2", "x"), dolma_line("4", "x")})},
      DedupMethod::kExact);
  EXPECT_THAT(kept_ids(), ElementsAre("1", "2"));
  const std::vector<DroppedDocument> dropped = dropped_documents();
  ASSERT_EQ(dropped.size(), 2u);
  EXPECT_EQ(dropped[0].document.id, "3");
  EXPECT_EQ(dropped[0].drop.rule, "exact_duplicate");
  EXPECT_EQ(dropped[0].drop.value, 3);
  EXPECT_EQ(dropped[1].survivor, "2");
}

TEST_F(Deduplication, MinHashFindsATextThatDiffersInCaseAccentsPunctuationAndNumbers) {
  const std::string words = random_words(1, 30);
  run({file("a.jsonl", {dolma_line("1", words + " Caf\u00e9, 12.5 of the DAY"),
                        dolma_line("2", words + "  cafe 7 -- of the day!"), dolma_line("3", random_words(2, 40))})},
      DedupMethod::kMinHash);
  EXPECT_EQ(kept().size(), 2u);
  const std::vector<DroppedDocument> dropped = dropped_documents();
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].drop.rule, "minhash_duplicate");
  EXPECT_EQ(dropped[0].drop.value, 1);
  EXPECT_EQ(dropped[0].drop.threshold, 1.0 / 14);
  EXPECT_NE(dropped[0].survivor, dropped[0].document.id);
}

TEST_F(Deduplication, TheSurvivorHasTheSmallestHashOfItsTextThenTheSmallestId) {
  const std::string words = random_words(5, 60);
  const std::vector<std::string> texts = {words + " .", words + " !", words + " ?"};
  const auto smallest = std::min_element(texts.begin(), texts.end(), [](const auto& a, const auto& b) {
    return sha256(std::string_view(a)) < sha256(std::string_view(b));
  });
  run({file("a.jsonl", {dolma_line("c", texts[0]), dolma_line("b", texts[1]), dolma_line("a", texts[2]),
                        dolma_line("z", *smallest), dolma_line("y", *smallest)})},
      DedupMethod::kMinHash);
  ASSERT_EQ(kept().size(), 1u);
  EXPECT_EQ(kept()[0].text, *smallest);
  for (const DroppedDocument& document : dropped_documents()) EXPECT_EQ(document.survivor, kept_ids()[0]);
  EXPECT_NE(kept_ids()[0], "z");
}

TEST_F(Deduplication, DocumentsWithoutWordsMatchNothingAndShortOnesOnlyTheSameWords) {
  run({file("a.jsonl", {dolma_line("1", "***"), dolma_line("2", "***"), dolma_line("3", "Two words."),
                        dolma_line("4", "two words"), dolma_line("5", "two others")})},
      DedupMethod::kMinHash);
  EXPECT_EQ(kept().size(), 4u);
  ASSERT_EQ(dropped_documents().size(), 1u);
}

TEST_F(Deduplication, TheResultDoesNotDependOnOrderFilesThreadsOrMemory) {
  std::vector<std::string> lines;
  for (int i = 0; i < 600; ++i) {
    // Families of three: a text twice, and without its last words.
    const std::string text = random_words(static_cast<std::uint64_t>(i / 3), 100);
    lines.push_back(
        dolma_line("id" + std::to_string(i * 7919 % 1000),
                   text.substr(0, text.size() - static_cast<std::size_t>(i % 3 / 2) * 20) + "\n\nShared paragraph"));
  }
  std::mt19937_64 random(3);
  for (const DedupMethod method : {DedupMethod::kMinHash, DedupMethod::kExact, DedupMethod::kParagraph}) {
    const FilePassResult first = run({file("a.jsonl", lines)}, method, 1);
    EXPECT_GT(first.num_dropped + first.num_edited, 0u);
    for (int round = 0; round < 4; ++round) {
      std::shuffle(lines.begin(), lines.end(), random);
      const std::size_t cut = random() % lines.size();
      const std::string b = file("b.jsonl", {lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(cut)});
      const std::string c = file("c.jsonl", {lines.begin() + static_cast<std::ptrdiff_t>(cut), lines.end()});
      // 40,000 bytes hold few documents, so that every sorter spills many runs.
      const FilePassResult again = run({c, b}, method, 1 + round % 3, round % 2 == 0 ? 40'000 : 1 << 28);
      EXPECT_EQ(again.kept, first.kept);
      EXPECT_EQ(again.dropped, first.dropped);
      EXPECT_EQ(again.num_edited, first.num_edited);
    }
  }
}

TEST_F(Deduplication, TheSameFileGivesTheSameBytes) {
  std::vector<std::string> lines;
  for (int i = 0; i < 50; ++i) lines.push_back(dolma_line(std::to_string(i), random_words(std::uint64_t(i / 2), 40)));
  run({file("a.jsonl", lines)}, DedupMethod::kMinHash);
  const std::string kept_bytes = read_file(run_dir() / "kept.jsonl.zst");
  run({file("a.jsonl", lines)}, DedupMethod::kMinHash, 3, 40'000);
  EXPECT_EQ(read_file(run_dir() / "kept.jsonl.zst"), kept_bytes);
  EXPECT_FALSE(std::filesystem::exists(run_dir() / ".scratch"));
}

TEST_F(Deduplication, AParagraphStaysOnceAndBlankLinesBehindTheOthersGo) {
  const FilePassResult result = run(
      {file("a.jsonl", {dolma_line("1", "only here\n\nin both texts\n\n\nlast one here"),
                        dolma_line("2", "another one\nof two lines\n\nin both texts"), dolma_line("3", "one\n\none")})},
      DedupMethod::kParagraph);
  EXPECT_EQ(result.num_edited, 1u);
  ASSERT_EQ(kept().size(), 3u);
  const std::string joined = kept()[0].text + "|" + kept()[1].text;
  const std::string whole_first = "only here\n\nin both texts\n\n\nlast one here|another one\nof two lines";
  const std::string whole_second = "only here\n\nlast one here|another one\nof two lines\n\nin both texts";
  EXPECT_TRUE(joined == whole_first || joined == whole_second) << joined;
  EXPECT_EQ(kept()[2].text, "one\n\none") << "one word is below min_words";
}

TEST_F(Deduplication, ADocumentOfDuplicateParagraphsAloneIsDropped) {
  run({file("a.jsonl", {dolma_line("1", "first paragraph\n\nsecond paragraph"),
                        dolma_line("2", "second paragraph\n\nfirst paragraph")})},
      DedupMethod::kParagraph);
  ASSERT_EQ(dropped_documents().size(), 1u);
  EXPECT_EQ(dropped_documents()[0].drop.rule, "duplicate_paragraphs");
  EXPECT_EQ(dropped_documents()[0].drop.value, 2);
}

TEST_F(Deduplication, OneIdTwiceIsAnErrorOrIsSkipped) {
  const std::string a = file("a.jsonl", {dolma_line("1", "apple"), dolma_line("2", "x")});
  const std::string b = file("b.jsonl", {dolma_line("1", "plum")});
  const Error error = error_of([&] { run({a, b}, DedupMethod::kExact); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("a.jsonl:1"));
  EXPECT_THAT(error.what(), HasSubstr("b.jsonl:1"));
  EXPECT_FALSE(std::filesystem::exists(run_dir() / ".scratch"));
  policy_.skip("duplicate_id");
  const FilePassResult result = run({a, b}, DedupMethod::kExact);
  EXPECT_EQ(result.skipped.at("duplicate_id"), 1u);
  EXPECT_EQ(kept()[0].text, "plum") << "its SHA-256 begins with 04, that of apple with 3a";
}

TEST_F(Deduplication, OfOneIdAndTextTheFileWhoseNameComesFirstStays) {
  policy_.skip("duplicate_id");
  run({file("b.jsonl", {dolma_line("1", "apple")}), file("aa.jsonl", {dolma_line("1", "apple")})}, DedupMethod::kExact);
  ASSERT_EQ(kept().size(), 1u);
  EXPECT_THAT(kept()[0].source_file, testing::EndsWith("aa.jsonl")) << "by bytes, not by length";
}

TEST_F(Deduplication, TheReportSaysWhatWasAskedForAndFound) {
  setting_ = {3, 20, 5, 42};
  const FilePassResult result = run({file("a.jsonl", {dolma_line("1", "x")})}, DedupMethod::kMinHash);
  const auto report = nlohmann::json::parse(read_file(run_dir() / "report.json"));
  EXPECT_EQ(report.at("setting").at("buckets"), 20);
  EXPECT_EQ(report.at("setting").at("seed"), 42);
  EXPECT_EQ(report.at("kept").at("digest"), result.kept.hex());
  EXPECT_EQ(report.at("kept").at("documents"), 1);
}

TEST_F(Deduplication, ABuildDropsNearDuplicatesBehindTheFilters) {
  const std::string words = random_words(9, 50);
  add_file("a.jsonl", {dolma_line("1", words), dolma_line("2", words + "!"), dolma_line("3", random_words(8, 50))});
  build();
  EXPECT_EQ(train().size(), 3u) << "near-duplicates stay by default";
  recipe_.mutable_minhash_dedup();
  const CorpusResult result = build();
  EXPECT_EQ(train().size(), 2u);
  ASSERT_EQ(dropped().size(), 1u);
  EXPECT_EQ(dropped()[0].drop.rule, "minhash_duplicate");
  EXPECT_EQ(build_into(folder_ / "other", 1).dropped, result.dropped);
  EXPECT_TRUE(recount(run_dir(), recipe_, nullptr).differences.empty());
  EXPECT_FALSE(std::filesystem::exists(run_dir() / "data" / ".scratch"));
}

TEST_F(Deduplication, ABuildTakesDuplicateParagraphsOutAndCountsThem) {
  add_file("a.jsonl", {dolma_line("1", "one text of its own\n\na paragraph that both share"),
                       dolma_line("2", "another text of its own\n\na paragraph that both share")});
  recipe_.mutable_paragraph_dedup()->set_min_words(5);
  build();
  const std::string joined = train()[0].text + train()[1].text;
  EXPECT_EQ(joined.find("both share"), joined.rfind("both share"));
  EXPECT_THAT(read_file(run_dir() / "data" / "report.json"), HasSubstr("\"duplicate_paragraphs\""));
}

}  // namespace
}  // namespace reprise::data
