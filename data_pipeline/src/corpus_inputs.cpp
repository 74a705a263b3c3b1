#include "corpus_inputs.h"

#include <algorithm>
#include <system_error>
#include <tuple>

#include "document_reader.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {
namespace {

bool is_glob(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

std::uint64_t size_on_disk(const std::filesystem::path& path) {
  std::error_code ignored;  // a missing file is reported when it is opened
  const std::uintmax_t size = std::filesystem::file_size(path, ignored);
  return ignored ? 0 : size;
}

/// One entry of the recipe and the files that it stands for.
struct Entry {
  const configs::CorpusFile* config;
  std::vector<std::string> names;
};

std::vector<Entry> expand_entries(const configs::DataRecipe& recipe, const std::filesystem::path& folder) {
  std::vector<Entry> entries;
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

/// The hash that the recipe states for an entry: of the content, or of the listing of a glob's files.
std::string found_hash(const Entry& entry, std::span<const ReportInput> files) {
  if (!is_glob(entry.config->path())) return files[0].sha256;
  Sha256 listing;
  for (const ReportInput& file : files) listing.update(file.sha256).update("  ").update(file.file).update("\n");
  return listing.finish().hex();
}

/// Fills in what the recipe expects of each file, and throws where it is something else and that is not accepted.
void check_hash(const Entry& entry, std::size_t index, std::span<ReportInput> files, const BuildOptions& options) {
  const std::string found = found_hash(entry, files);
  const std::string& expected = entry.config->sha256();
  for (ReportInput& file : files) {
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

std::string place_of(const Document& document) {
  return fmt::format("{}:{}", document.source_file, document.source_line);
}

[[noreturn]] void fail_duplicate_id(const Document& first, const Document& second) {
  throw Error(
      ErrorKind::kData,
      fmt::format("two documents have the same id: {} and {}: {}", place_of(first), place_of(second), first.id),
      "give every document an id of its own, list each input file once, or say bad_input.duplicate_id: \"skip\"");
}

void count_skipped_duplicate(const Document& document, std::vector<ReportInput>& files) {
  for (ReportInput& file : files) {
    if (file.file != document.source_file) continue;
    --file.num_documents;
    ++file.skipped[std::string(to_string(InputFault::kDuplicateId))];
  }
}

/// Of candidates with one id, [begin, end), marks all but the one with the smallest hash of its text, file and line.
void choose_one(std::vector<Candidate>& candidates, std::size_t begin, std::size_t end, std::vector<bool>& leave_out) {
  const auto key = [&](std::size_t i) {
    const Document& document = candidates[i].document;
    return std::tuple(sha256(std::string_view(document.text)), document.source_file, document.source_line);
  };
  std::size_t best = begin;
  for (std::size_t i = begin + 1; i < end; ++i) {
    if (key(i) < key(best)) best = i;
  }
  for (std::size_t i = begin; i < end; ++i) leave_out[i] = i != best;
}

/// Sorts by id, so that nothing later can depend on the order of files or lines.
void sort_and_check_ids(CorpusInput& input, const InputPolicy& policy) {
  std::vector<Candidate>& candidates = input.candidates;
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.document.id, a.document.source_file, a.document.source_line) <
           std::tie(b.document.id, b.document.source_file, b.document.source_line);
  });
  std::vector<bool> leave_out(candidates.size(), false);
  for (std::size_t begin = 0, end = 0; begin < candidates.size(); begin = end) {
    for (end = begin + 1; end < candidates.size() && candidates[end].document.id == candidates[begin].document.id;) {
      ++end;
    }
    if (end == begin + 1) continue;
    if (!policy.skips(InputFault::kDuplicateId)) {
      fail_duplicate_id(candidates[begin].document, candidates[begin + 1].document);
    }
    choose_one(candidates, begin, end, leave_out);
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (leave_out[i]) {
      count_skipped_duplicate(candidates[i].document, input.files);
    } else {
      if (kept != i) candidates[kept] = std::move(candidates[i]);
      ++kept;
    }
  }
  candidates.resize(kept);
}

/// Reads the files of one entry behind those of the entries before it.
void read_entry(const Entry& entry, const BuildOptions& options, const ReadOptions& read, std::uint64_t& bytes_done,
                ProgressSink& progress, CorpusInput& input) {
  for (const std::string& name : entry.names) {
    const ReadHandler handler = {
        [&](Document&& document) {
          input.candidates.push_back({std::move(document), {}, {}, {}, 0, 0});
        },
        [&](std::uint64_t position) { progress.update(static_cast<std::int64_t>(bytes_done + position)); }};
    InputContent content = read_documents(options.corpus_dir, name, read, handler);
    input.files.push_back({name, content.sha256.hex(), "", content.num_bytes, content.num_documents, content.skipped});
    bytes_done += size_on_disk(options.corpus_dir / name);
  }
}

}  // namespace

std::vector<std::string> files_of_entry(const std::filesystem::path& folder, const configs::CorpusFile& entry) {
  if (!is_glob(entry.path())) return {entry.path()};
  std::vector<std::string> names;
  const std::string pattern = (folder / entry.path()).string();
  for (const std::string& path : expand_inputs(std::span(&pattern, 1))) {
    names.push_back(std::filesystem::path(path).lexically_relative(folder).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

CorpusInput read_corpus(const configs::DataRecipe& recipe, const BuildOptions& options, ProgressSink& progress) {
  const std::vector<Entry> entries = expand_entries(recipe, options.corpus_dir);
  std::uint64_t total = 0;
  for (const Entry& entry : entries) {
    for (const std::string& name : entry.names) total += size_on_disk(options.corpus_dir / name);
  }
  const ReadOptions read{recipe.max_line_bytes(), InputPolicy(recipe.bad_input())};
  CorpusInput input;
  std::uint64_t bytes_done = 0;
  progress.begin("read", static_cast<std::int64_t>(total), "bytes");
  for (const Entry& entry : entries) read_entry(entry, options, read, bytes_done, progress, input);
  progress.end();
  std::size_t begin = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    check_hash(entries[i], i, std::span(input.files).subspan(begin, entries[i].names.size()), options);
    begin += entries[i].names.size();
  }
  REPRISE_REQUIRE(
      !input.candidates.empty(), ErrorKind::kData,
      fmt::format("the corpus holds no documents: {} file(s) in {}", input.files.size(), options.corpus_dir.string()),
      "check runtime.corpus_dir and recipe.data.file");
  sort_and_check_ids(input, read.policy);
  std::sort(input.files.begin(), input.files.end(),
            [](const ReportInput& a, const ReportInput& b) { return a.file < b.file; });
  return input;
}

}  // namespace reprise::data
