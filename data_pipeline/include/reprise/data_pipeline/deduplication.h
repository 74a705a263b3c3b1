#pragma once
// Deduplication of documents and paragraphs, exact and by MinHash (docs/reference/deduplication.md). Which documents
// stay depends on the documents alone: not on their order, files, threads or the memory allowed.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/filters.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {

/// The defaults are FineWeb's.
struct MinHashSetting {
  std::uint32_t ngram = 5;
  std::uint32_t buckets = 14;
  std::uint32_t hashes_per_bucket = 8;
  std::uint64_t seed = 1;
};

MinHashSetting minhash_setting(const configs::MinHashDedup& config);

/// Why a near-duplicate is dropped: its estimated similarity to the survivor, and the least that one shared bucket
/// means.
Drop near_duplicate_drop(const MinHashSetting& setting, double similarity);

enum class DedupMethod { kMinHash, kExact, kParagraph };

/// Reads and writes of a pass over files that may be larger than memory.
struct FilePassOptions {
  std::filesystem::path output_dir;
  int num_threads = 0;                      // 0: one per core. Decides no bit
  std::uint64_t memory_bytes = 1ull << 30;  // for sorting. Decides no bit
  std::uint64_t max_line_bytes = 32 << 20;
  InputPolicy policy;
};

struct DedupOptions {
  DedupMethod method = DedupMethod::kMinHash;
  MinHashSetting minhash;
  std::uint32_t min_paragraph_words = 10;
  FilePassOptions files;
};

/// What a pass over files left in its folder: kept.jsonl.zst, dropped.jsonl.zst and report.json.
struct FilePassResult {
  std::uint64_t num_read = 0, num_kept = 0, num_dropped = 0, num_edited = 0;
  std::uint64_t read_bytes = 0, kept_bytes = 0, dropped_bytes = 0;  // of texts
  Digest kept, dropped;                                             // as DocumentDigest makes them
  SkippedInput skipped;
};

/// Reads `files`, each once, and writes the documents that stay and those that do not to options.files.output_dir, both
/// in the order of ids. A dropped document names its survivor. Throws kData, kIo.
FilePassResult deduplicate_files(std::span<const std::string> files, const DedupOptions& options,
                                 ProgressSink& progress);

}  // namespace reprise::data
