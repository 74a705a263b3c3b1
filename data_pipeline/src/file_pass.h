#pragma once
// A pass over files that may be larger than memory: read all documents, bring them into the order of ids, decide about
// each, write those that stay and those that do not. Not thread-safe.

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "reprise/core/progress.h"
#include "reprise/core/scratch_folder.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/deduplication.h"
#include "reprise/data_pipeline/document_file.h"
#include "sorted_documents.h"

namespace reprise::data {

/// What a pass decides about one document.
struct PassVerdict {
  std::optional<Drop> drop;
  std::string survivor;
  bool edited = false;  // the text has been changed
  std::string tag;      // a JSON member for the line of a document that stays: "\"key\":value"
};

class FilePass {
 public:
  /// Reads and sorts all documents of `files`. `share` is the part of options.memory_bytes that sorting them may take.
  FilePass(std::span<const std::string> files, const FilePassOptions& options, double share, ProgressSink& progress);

  /// A folder for temporary files of the pass, in the output folder.
  const std::filesystem::path& scratch() const { return scratch_.path(); }
  ThreadPool& pool() { return pool_; }
  std::uint64_t num_documents() const { return result_.num_read; }

  /// Visits batches of documents in the order of ids; `phase` is what the progress shows.
  void for_each_batch(std::string_view phase, const std::function<void(std::vector<SortedDocument>&)>& visit);

  /// Asks `judge` about every document, in the order of ids, and writes kept.jsonl.zst and dropped.jsonl.zst; the
  /// report of an earlier pass goes before they are replaced. A judge that drops a document leaves its text as it was.
  FilePassResult write(const std::function<PassVerdict(SortedDocument&)>& judge);

 private:
  void read(std::span<const std::string> files);

  const FilePassOptions& options_;
  ProgressSink& progress_;
  ScratchFolder scratch_;  // before the documents, which have files in it
  ThreadPool pool_;
  FilePassResult result_;
  std::optional<SortedDocuments> documents_;
};

/// Takes a member out of Document::members; `key` is its beginning, "\"key\":".
void remove_member(Document& document, std::string_view key);

/// Writes report.json of a pass: `setting` (JSON) says what was asked for. Throws kIo.
void write_pass_report(const std::filesystem::path& folder, const std::string& setting, const FilePassResult& result);

}  // namespace reprise::data
