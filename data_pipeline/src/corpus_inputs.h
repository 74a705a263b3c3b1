#pragma once
// The input files of a recipe: their names, who reads which, and whether they are what the recipe says.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {

/// One entry of the recipe and the files that it stands for, sorted by bytes.
struct InputEntry {
  const configs::CorpusFile* config;
  std::vector<std::string> names;
};

/// Throws kData where two entries name one file.
std::vector<InputEntry> expand_entries(const configs::DataRecipe& recipe, const std::filesystem::path& folder);

/// Names of the files of one entry of the recipe: itself, or what its glob matches in `folder`, sorted by bytes.
std::vector<std::string> files_of_entry(const std::filesystem::path& folder, const configs::CorpusFile& entry);

struct InputFile {
  std::string name;
  std::uint64_t size_on_disk = 0;  // 0 where it is missing: that is reported when it is opened
  int owner = 0;                   // the rank that reads it, and says what it held
  std::string kind{};              // of its documents whose metadata.kind says nothing
  bool shared = false;             // every rank reads it, and each takes some of its segments
};

/// All files, by name. A file that is too large for one rank is shared; the others go, largest first, to the rank that
/// has least. Who reads what decides no bit.
std::vector<InputFile> plan_reading(const std::vector<InputEntry>& entries, const std::filesystem::path& folder,
                                    int num_ranks);

/// Name, size and time of the last change of each file.
std::string listing_of(const std::vector<InputFile>& files, const std::filesystem::path& folder);

/// Compares what was read, by name, with the hashes of the recipe, and notes what that expected. Throws kData unless
/// options.accept_changed_corpus.
void check_hashes(const std::vector<InputEntry>& entries, const BuildOptions& options, std::vector<ReportInput>& files);

/// A file that a recipe names beside its corpus: a URL list, labels, an evaluation file.
struct SideFile {
  std::string name;
  Digest sha256;
  bool is_expected = true;  // it is what the recipe says
};

/// Compares a side file, "file" or "evaluation file", with the hash in the recipe's `field`. Throws kData unless
/// options.accept_changed_corpus.
SideFile check_side_file(const std::string& what, const std::string& field, const std::string& name,
                         const std::string& expected, const Digest& found, const BuildOptions& options);

/// The files whose content decides about documents, by name and hash.
std::string listing_of(const std::vector<SideFile>& files);

/// What a file held, as a temporary record whose key is its name.
std::string input_record(const ReportInput& input);
ReportInput parse_input(const std::string& name, std::string_view record);

}  // namespace reprise::data
