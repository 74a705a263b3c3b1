#include "corpus_inputs.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "byte_source.h"
#include "record_bytes.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {
namespace {

bool is_glob(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

/// A glob that matches `path` alone.
std::string escaped(const std::string& path) {
  std::string glob;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') glob.push_back('\\');
    glob.push_back(c);
  }
  return glob;
}

std::uint64_t size_on_disk(const std::filesystem::path& path) {
  std::error_code ignored;  // a missing file is reported when it is opened
  const std::uintmax_t size = std::filesystem::file_size(path, ignored);
  return ignored ? 0 : size;
}

ReportInput& find_file(std::vector<ReportInput>& files, const std::string& name) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const ReportInput& f) { return f.file == name; });
  REPRISE_CHECK(found != files.end());
  return *found;
}

/// The hash that the recipe states for an entry: of the content, or of the listing of a glob's files.
std::string found_hash(const InputEntry& entry, std::vector<ReportInput>& files) {
  if (!is_glob(entry.config->path())) return find_file(files, entry.names[0]).sha256;
  Sha256 listing;
  for (const std::string& name : entry.names) {
    listing.update(find_file(files, name).sha256).update("  ").update(name).update("\n");
  }
  return listing.finish().hex();
}

/// Fills in what the recipe expects of each file, and throws where it is something else and that is not accepted.
void check_hash(const InputEntry& entry, std::size_t index, const BuildOptions& options,
                std::vector<ReportInput>& files) {
  const std::string found = found_hash(entry, files);
  const std::string& expected = entry.config->sha256();
  for (const std::string& name : entry.names) {
    ReportInput& file = find_file(files, name);
    file.expected_sha256 = !is_glob(entry.config->path()) ? expected : found == expected ? file.sha256 : "";
  }
  if (options.accept_changed_corpus || found == expected) return;
  throw Error(ErrorKind::kData,
              fmt::format("corpus file differs from the recipe: {}: SHA-256 of its content: expected {}, found {}",
                          (options.corpus_dir / entry.config->path()).string(),
                          expected.empty() ? "none in the recipe" : expected, found),
              fmt::format("fetch the file again, or accept it as another corpus: --set recipe.data.file[{}].sha256={}",
                          index, found));
}

/// Gives out the files that are not shared, largest first, each to the rank that has least to read.
void choose_owners(std::vector<InputFile>& files, int num_ranks) {
  std::vector<InputFile*> by_size;
  for (InputFile& file : files) {
    if (!file.shared) by_size.push_back(&file);
  }
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const InputFile* a, const InputFile* b) { return a->size_on_disk > b->size_on_disk; });
  std::vector<std::uint64_t> load(static_cast<std::size_t>(num_ranks), 0);
  for (InputFile* file : by_size) {
    const auto least = std::min_element(load.begin(), load.end());
    file->owner = static_cast<int>(least - load.begin());
    *least += file->size_on_disk + 1;
  }
}

}  // namespace

std::vector<InputEntry> expand_entries(const configs::DataRecipe& recipe, const std::filesystem::path& folder) {
  std::vector<InputEntry> entries;
  std::vector<std::string> all;
  for (const auto& file : recipe.file()) {
    entries.push_back({&file, files_of_entry(folder, file)});
    all.insert(all.end(), entries.back().names.begin(), entries.back().names.end());
  }
  std::sort(all.begin(), all.end());
  const auto twice = std::adjacent_find(all.begin(), all.end());
  REPRISE_REQUIRE(twice == all.end(), ErrorKind::kData,
                  fmt::format("two entries of recipe.data.file name the same file: {}", *twice), "list each file once");
  return entries;
}

void require_inputs(const configs::DataRecipe& recipe, const std::filesystem::path& corpus_dir) {
  for (const InputEntry& entry : expand_entries(recipe, corpus_dir)) {
    for (const std::string& name : entry.names) file_source(corpus_dir / name);
  }
}

std::vector<std::string> files_of_entry(const std::filesystem::path& folder, const configs::CorpusFile& entry) {
  if (!is_glob(entry.path())) return {entry.path()};
  std::vector<std::string> names;
  // The recipe's path is the pattern; the folder is a name, whatever it holds.
  const std::string pattern = (std::filesystem::path(escaped(folder.string())) / entry.path()).string();
  for (const std::string& path : expand_glob(pattern)) {
    names.push_back(std::filesystem::path(path).lexically_relative(folder).string());
    require_utf8_name(names.back());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<InputFile> plan_reading(const std::vector<InputEntry>& entries, const std::filesystem::path& folder,
                                    int num_ranks) {
  std::vector<InputFile> files;
  std::uint64_t total = 0;
  for (const InputEntry& entry : entries) {
    for (const std::string& name : entry.names) {
      files.push_back({name, size_on_disk(folder / name), 0, entry.config->kind(), false});
      total += files.back().size_on_disk;
    }
  }
  std::sort(files.begin(), files.end(), [](const InputFile& a, const InputFile& b) { return a.name < b.name; });
  const auto ranks = static_cast<std::uint64_t>(num_ranks);
  for (InputFile& file : files) file.shared = num_ranks > 1 && file.size_on_disk > total / (2 * ranks);
  choose_owners(files, num_ranks);
  return files;
}

std::string listing_of(const std::vector<InputFile>& files, const std::filesystem::path& folder) {
  std::string listing;
  for (const InputFile& file : files) {
    std::error_code ignored;
    const auto time = std::filesystem::last_write_time(folder / file.name, ignored).time_since_epoch();
    listing += fmt::format("{}\t{}\t{}\n", file.name, file.size_on_disk, ignored ? 0 : time.count());
  }
  return listing;
}

void check_hashes(const std::vector<InputEntry>& entries, const BuildOptions& options,
                  std::vector<ReportInput>& files) {
  for (std::size_t i = 0; i < entries.size(); ++i) check_hash(entries[i], i, options, files);
}

SideFile check_side_file(const std::string& what, const std::string& field, const std::string& name,
                         const std::string& expected, const Digest& found, const BuildOptions& options) {
  const bool is_expected = found.hex() == expected;
  if (is_expected || options.accept_changed_corpus) return {name, found, is_expected};
  throw Error(ErrorKind::kData,
              fmt::format("{} differs from the recipe: {}: SHA-256 of its content: expected {}, found {}", what,
                          (options.corpus_dir / name).string(), expected, found.hex()),
              fmt::format("fetch the file again, or accept it: --set {}.sha256={}", field, found.hex()));
}

std::string listing_of(const std::vector<SideFile>& files) {
  std::string listing;
  for (const SideFile& file : files) listing += fmt::format("{}\t{}\n", file.name, file.sha256.hex());
  return listing;
}

std::string input_record(const ReportInput& input) {
  RecordBuilder record;
  record.string(input.sha256).string(input.expected_sha256).u64(input.num_bytes).u64(input.num_documents);
  record.u64(input.skipped.size());
  for (const auto& [fault, count] : input.skipped) record.string(fault).u64(count);
  return record.bytes();
}

ReportInput parse_input(const std::string& name, std::string_view record) {
  RecordParser parser(record);
  ReportInput input;
  input.file = name;
  input.sha256 = parser.string();
  input.expected_sha256 = parser.string();
  input.num_bytes = parser.u64();
  input.num_documents = parser.u64();
  for (std::uint64_t left = parser.u64(); left > 0; --left) {
    const std::string fault = parser.string();
    input.skipped[fault] = parser.u64();
  }
  return input;
}

}  // namespace reprise::data
