#pragma once
// Overlap of documents with evaluation sets, in n-grams of normalised words (docs/reference/deduplication.md).

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/progress.h"
#include "reprise/data_pipeline/deduplication.h"

namespace reprise::data {

/// One example of an evaluation set.
struct EvalExample {
  std::string task;          // name of its file without folder and endings; with them where that is taken
  std::uint64_t number = 0;  // 1-based: its line, record or element
};

/// What one document shares with the evaluation sets.
struct Overlap {
  std::uint64_t num_ngrams = 0;         // different n-grams of the document that some example has
  std::vector<std::uint32_t> examples;  // indices of the examples that have one of them, ascending
};

/// The n-grams of evaluation sets, in memory: 24 bytes each and a filter. Thread-safe after finish().
class EvalIndex {
 public:
  explicit EvalIndex(std::uint32_t ngram) : ngram_(ngram) {}

  /// Reads a file of examples: .jsonl (each line one), .json (each element of every array that is not inside another),
  /// .csv (each record), or .txt (each line); .gz or .zst may stand behind. Every text of an example is searched for by
  /// itself. `name` is what the task is called by; empty: `path`. Throws kData, kIo. Returns the SHA-256 of the
  /// decompressed content.
  Digest add_file(const std::filesystem::path& path, const std::filesystem::path& name = {});
  void add_example(const std::string& task, std::uint64_t number, std::span<const std::string_view> texts);
  /// To be called once, behind the last example.
  void finish();

  std::uint32_t ngram() const { return ngram_; }
  const std::vector<EvalExample>& examples() const { return examples_; }
  /// Whether all texts of an example are shorter than an n-gram, so that nothing can match.
  bool is_too_short(std::uint32_t example) const { return too_short_[example]; }
  std::string name(std::uint32_t example) const;
  Overlap overlap(std::string_view text) const;

 private:
  struct Ngram {
    std::uint64_t hash;
    std::uint64_t check;
    std::uint32_t example;
    auto operator<=>(const Ngram&) const = default;
  };
  bool may_hold(std::uint64_t hash) const;
  std::string free_task_name(const std::filesystem::path& path);

  std::uint32_t ngram_;
  std::set<std::string> tasks_;  // one of each file
  std::vector<EvalExample> examples_;
  std::vector<bool> too_short_;
  std::vector<Ngram> ngrams_;          // sorted
  std::vector<std::uint64_t> filter_;  // bits of hashes, so that most look-ups end here
};

/// Counts what documents share with examples, for the report.
class ContaminationReport {
 public:
  explicit ContaminationReport(const EvalIndex& index);
  /// Adds a contaminated document, in the order of ids.
  void add(const std::string& id, const Overlap& overlap);
  /// JSON: per task how many examples, too short ones and found ones; per found example the documents; per document the
  /// n-grams.
  std::string json() const;

 private:
  const EvalIndex& index_;
  struct Found {
    std::uint64_t num_documents = 0;
    std::vector<std::string> first_ids;
  };
  std::map<std::uint32_t, Found> found_;
  std::vector<std::pair<std::string, std::uint64_t>> documents_;
};

/// Why a contaminated document is dropped: its shared n-grams against `min_matches`.
Drop contamination_drop(const Overlap& overlap, std::uint32_t min_matches);

struct DecontaminationOptions {
  std::uint32_t ngram = 13;
  std::uint32_t min_matches = 1;
  bool tag = false;  // keep contaminated documents, with a member "contamination" in their line
  FilePassOptions files;
};

struct DecontaminationResult {
  FilePassResult pass;
  std::uint64_t num_contaminated = 0;
  std::uint64_t num_examples = 0, num_too_short = 0, num_found = 0;
};

/// Reads `files` and compares them with the examples of `against`. Writes kept.jsonl.zst, dropped.jsonl.zst,
/// report.json and contamination.json. Throws kData, kIo.
DecontaminationResult decontaminate_files(std::span<const std::string> against, std::span<const std::string> files,
                                          const DecontaminationOptions& options, ProgressSink& progress);

}  // namespace reprise::data
