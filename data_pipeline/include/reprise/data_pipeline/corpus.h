#pragma once
// Raw text to kept, dropped and held-out documents (docs/formats/documents.md).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/core/team.h"

namespace reprise::data {

/// One document after normalisation.
struct Document {
  std::string id;
  std::string text;
  std::string source;
  std::string kind;      // metadata.kind: "natural", "code"
  std::string language;  // metadata.lang
  std::string license;
  std::uint64_t source_line = 0;  // 1-based line of the input file
  std::string source_file;
  std::string url;  // metadata.url of an input; for URL lists alone, not written and not hashed
  // What an input says beyond that, for passes over files: a member `"key":value` on each line, of the document and of
  // its metadata. Written, not hashed.
  std::string members;
  std::string metadata_members;
};

/// What the build left behind. Digests are over content (canonical, independent of compression), not over files.
struct CorpusResult {
  Digest corpus;    // content of the input files, by name
  Digest kept;      // documents for training, sorted by id
  Digest held_out;  // documents for evaluation, sorted by id
  Digest dropped;   // dropped documents with text, rule, measured value and threshold
  Digest report;    // counts per source, language and rule
  std::uint64_t num_kept = 0, num_held_out = 0, num_dropped = 0;
  std::uint64_t kept_bytes = 0, held_out_bytes = 0, dropped_bytes = 0;
  // Inputs whose SHA-256 differs from the recipe's; from build_corpus also URL lists, labels and evaluation files.
  std::vector<std::string> mismatched_files;
};

struct BuildOptions {
  std::filesystem::path corpus_dir;
  std::filesystem::path output_dir;        // run folder; files go to output_dir/data/
  bool accept_changed_corpus = false;      // true: a differing hash is reported in mismatched_files, not thrown
  int num_threads = 0;                     // of this process; 0: one per core. Decides no bit
  std::uint64_t memory_bytes = 512 << 20;  // for sorting hashes. Decides no bit
  std::uint64_t piece_bytes =
      4 << 20;  // of text in one piece of work. Decides no digest, only where files are cut into frames
  Team team;    // processes that build together, on one file system. Decides no bit
  std::filesystem::path tokenizer;  // tokenizer.json to encode by; empty: one is trained on the documents
};

/// Throws kIo or kData, as build_corpus() would, where an input file of the recipe cannot be opened or a glob matches
/// none. Reads nothing of them.
void require_inputs(const configs::DataRecipe& recipe, const std::filesystem::path& corpus_dir);

/// Runs the whole document pipeline. Writes data/{train,held_out,dropped}.jsonl.zst and data/report.json, each whole or
/// not at all, the report last. Finished pieces lie in data/.build, so that the same call goes on where an earlier one
/// was stopped; remove_build_files() takes them away. Memory is bounded: memory_bytes, some tens of megabytes a thread,
/// and some hundred bytes a document. Throws kData (file, line, what, value), kIo. Ranks above 0 get an empty result.
CorpusResult build_corpus(const configs::DataRecipe& recipe, const BuildOptions& options, ProgressSink& progress);

/// To be called by one rank when nothing of the build is to be done again.
void remove_build_files(const std::filesystem::path& output_dir);

/// Reads back one of the files that build_corpus wrote, in order.
void for_each_document(const std::filesystem::path& path, const std::function<void(const Document&)>& visit);

/// Recomputes the digests of the files in output_dir/data from their content.
CorpusResult read_corpus_result(const std::filesystem::path& output_dir);

}  // namespace reprise::data
