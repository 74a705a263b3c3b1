#pragma once
// RUN/data/report.json: what was read, kept, held out, dropped and edited, per source, language, kind and rule
// (docs/formats/documents.md).

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"

namespace reprise::data {

struct ReportInput {
  std::string file;
  std::string sha256;           // of the decompressed content, hexadecimal
  std::string expected_sha256;  // the recipe's
  std::uint64_t num_bytes = 0;
  std::uint64_t num_documents = 0;
  std::map<std::string, std::uint64_t>
      skipped;  // how often a fault was passed over, by its name in recipe.data.bad_input
};

/// Documents that share source, language, kind, split ("train", "held_out", "dropped") and rule ("" unless dropped).
struct ReportRow {
  std::string source, language, kind, split, rule;
  std::uint64_t num_documents = 0;
  std::uint64_t num_bytes = 0;              // of their texts
  std::optional<std::uint64_t> num_tokens;  // end-of-text tokens left out; empty until add_token_counts
};

/// What one rule took out of documents that were kept or held out.
struct ReportEdit {
  std::string rule;
  std::uint64_t num_documents = 0;
  std::uint64_t num_lines = 0;
  std::uint64_t num_bytes = 0;
};

struct Report {
  std::vector<ReportInput> inputs;         // by file name
  std::vector<ReportRow> rows;             // by source, language, kind, split, rule
  std::vector<ReportEdit> edits;           // by rule
  std::uint64_t num_bytes_read = 0;        // of all texts, as they came
  std::uint64_t num_bytes_normalised = 0;  // after normalisation
};

/// Sums of rows that share one property.
struct ReportTotal {
  std::uint64_t num_documents = 0;
  std::uint64_t num_bytes = 0;
  std::optional<std::uint64_t> num_tokens;
};
using TotalsBySplit = std::map<std::string, ReportTotal>;
enum class ReportAxis { kSource, kLanguage, kKind, kRule };
std::map<std::string, TotalsBySplit> totals_by(const Report& report, ReportAxis axis);

/// Digest of rows and edits, token counts included where they are known. Inputs are left out: CorpusResult::corpus
/// covers them.
Digest report_digest(const Report& report);
/// Digest of the input files: name, bytes, SHA-256 and what was passed over of each, by name.
Digest inputs_digest(const Report& report);

/// A line about each filter of the recipe whose kind and language no document has: it judges nothing.
std::vector<std::string> filters_without_documents(const configs::DataRecipe& recipe, const Report& report);

std::filesystem::path report_path(const std::filesystem::path& run);

/// The report as it is stored, and as tables for people. Both depend on the report alone.
std::string report_json(const Report& report);
std::string report_tables(const Report& report);

/// Throws kIo, and kCorrupt where the file is not a report or its sums do not follow from its rows.
Report read_report(const std::filesystem::path& run);

struct TokenCount {
  std::string id;
  std::uint64_t num_tokens = 0;
};

/// Writes the token columns of the report of `run` from one count for each kept, held-out and dropped document, and
/// returns the new digest of the report. Throws kData for a document without count or a count without document.
Digest add_token_counts(const std::filesystem::path& run, std::span<const TokenCount> counts);

}  // namespace reprise::data
