#pragma once
// From the files of a recipe to documents sorted by id.

#include <optional>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/filters.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {

/// A document on its way, and what became of it.
struct Candidate {
  Document document;
  std::optional<Drop> drop;
  std::string survivor;
  Edits edits;
  std::uint64_t num_bytes_read = 0;
  std::uint64_t num_bytes_normalised = 0;
};

struct CorpusInput {
  std::vector<Candidate> candidates;  // sorted by id, each id once
  std::vector<ReportInput> files;     // by name
};

/// Reads all files of the recipe, and compares their hashes unless options.accept_changed_corpus. Throws kData, kIo.
CorpusInput read_corpus(const configs::DataRecipe& recipe, const BuildOptions& options, ProgressSink& progress);

/// Names of the files of one entry of the recipe: itself, or what its glob matches in `folder`, sorted by bytes.
std::vector<std::string> files_of_entry(const std::filesystem::path& folder, const configs::CorpusFile& entry);

}  // namespace reprise::data
