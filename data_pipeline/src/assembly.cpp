// Which sources are there, which packages are missing, and the work over the rest.

#include "reprise/data_pipeline/assembly.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "assembled_lines.h"
#include "assembly_recipe.h"
#include "byte_source.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/hash.h"
#include "reprise/core/thread_count.h"
#include "reprise/core/thread_pool.h"
#include "zstd_writer.h"

namespace reprise::data {
namespace {

using Rows = std::vector<AssemblyRow>;

std::uint64_t count_lines(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Hash and number of lines of a compressed file; nothing when it is not there or does not decompress.
struct Content {
  std::string sha256;
  std::uint64_t num_lines = 0;
};
std::optional<Content> content_of(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    const auto source = decompressed(file_source(path), Compression::kZstd, path.string(), ErrorKind::kData);
    Content content;
    Sha256 hash;
    std::string piece;
    for (bool more = true; more; piece.clear()) {
      more = source->read(piece);
      hash.update(std::string_view(piece));
      content.num_lines += count_lines(piece);
    }
    content.sha256 = hash.finish().hex();
    return content;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    return std::nullopt;  // cut off or damaged: it is made again
  }
}

/// Sources that are in the folder already, with the hash that they must have.
std::vector<AssembledSource> find_assembled(const Rows& rows, const AssemblyOptions& options, ThreadPool& pool) {
  std::vector<AssembledSource> sources(rows.size());
  pool.parallel_for(static_cast<std::int64_t>(rows.size()), [&](std::int64_t i) {
    const AssemblyRow& row = rows[static_cast<std::size_t>(i)];
    AssembledSource& source = sources[static_cast<std::size_t>(i)];
    source.id = row.id;
    source.name = row.output_name();
    if (!row.expected_sha256) return;
    const std::optional<Content> content = content_of(options.output_dir / source.name);
    if (!content || content->sha256 != *row.expected_sha256) return;
    source.sha256 = content->sha256;
    source.num_documents = content->num_lines;
    source.was_there = true;
  });
  return sources;
}

std::string where_to_find(const AssemblyRow& row) {
  return row.package_kind == PackageKind::kDebian
             ? fmt::format("https://snapshot.debian.org/binary/{}/", row.package)
             : fmt::format("https://pypi.org/project/{}/{}/#files", row.package, row.version);
}

/// Throws one error that names every package file that is needed and not there.
void check_packages(const Rows& rows, const std::vector<AssembledSource>& sources, const AssemblyOptions& options) {
  std::map<std::string, const AssemblyRow*> missing;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (sources[i].was_there || std::filesystem::exists(options.package_dir / rows[i].artifact)) continue;
    missing[rows[i].artifact] = &rows[i];
  }
  if (missing.empty()) return;
  std::vector<std::string> lines;
  for (const auto& [artifact, row] : missing) {
    lines.push_back(fmt::format("  {} ({} {}, {} bytes, SHA-256 {}; {})", artifact, row->url(), row->version,
                                row->num_bytes, row->sha256, where_to_find(*row)));
  }
  throw Error(
      ErrorKind::kData,
      fmt::format("{} package(s) are not in {}:\n{}", missing.size(), options.package_dir.string(),
                  fmt::join(lines, "\n")),
      fmt::format("scripts/fetch_standard_corpus.sh {} fetches them; a version that has left the mirror is at the "
                  "address behind its name: put the file of that SHA-256 into the folder",
                  options.package_dir.string()));
}

/// A file that another tier left would be read as part of the corpus.
void check_other_files(const std::vector<AssembledSource>& sources, const std::filesystem::path& output_dir) {
  std::set<std::filesystem::path> names;
  std::set<std::filesystem::path> folders;
  for (const AssembledSource& source : sources) {
    names.insert(output_dir / source.name);
    folders.insert((output_dir / source.name).parent_path());
  }
  for (const std::filesystem::path& folder : folders) {
    if (!std::filesystem::exists(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      REPRISE_REQUIRE(names.contains(entry.path()) || !entry.path().string().ends_with(".jsonl.zst"), ErrorKind::kData,
                      fmt::format("file is no part of the corpus to assemble: {}", entry.path().string()),
                      "remove it, or assemble into a folder of its own per tier");
    }
  }
}

void assemble_source(const AssemblyRow& row, const AssemblyOptions& options, AssembledSource& source) {
  const AssembledLines assembled = assemble_lines(row, options.package_dir / row.artifact);
  source.sha256 = sha256(std::string_view(assembled.lines)).hex();
  source.num_documents = assembled.num_documents;
  source.text_bytes = assembled.text_bytes;
  REPRISE_REQUIRE(
      !row.expected_sha256 || source.sha256 == *row.expected_sha256, ErrorKind::kData,
      fmt::format("source came out differently: {}: {} documents, {} bytes of text, SHA-256 of its lines: "
                  "expected {}, found {}",
                  row.id, source.num_documents, source.text_bytes, *row.expected_sha256, source.sha256),
      "expected.tsv beside the recipe holds the hashes; after a change of the recipe's row, write the new one");
  ZstdWriter writer;
  writer.write(assembled.lines);
  const std::filesystem::path path = options.output_dir / source.name;
  make_folders(path.parent_path());
  write_file_atomically(path, writer.finish());
}

/// Indices of the sources to make, the largest package first: the last ones to finish are then small.
std::vector<std::size_t> work_list(const Rows& rows, const std::vector<AssembledSource>& sources) {
  std::vector<std::size_t> work;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!sources[i].was_there) work.push_back(i);
  }
  std::stable_sort(work.begin(), work.end(),
                   [&](std::size_t a, std::size_t b) { return rows[a].num_bytes > rows[b].num_bytes; });
  return work;
}

void assemble_missing(const Rows& rows, const AssemblyOptions& options, std::vector<AssembledSource>& sources,
                      ThreadPool& pool, ProgressSink& progress) {
  const std::vector<std::size_t> work = work_list(rows, sources);
  const auto count = static_cast<std::int64_t>(work.size());
  std::mutex mutex;
  std::int64_t done = 0;
  progress.begin("assemble", count, "sources");
  pool.parallel_for(count, [&](std::int64_t k) {
    const std::size_t i = work[static_cast<std::size_t>(k)];
    assemble_source(rows[i], options, sources[i]);
    const std::lock_guard lock(mutex);
    progress.update(++done, rows[i].id);
  });
  progress.end();
}

}  // namespace

std::string AssembledCorpus::listing_sha256(const std::string& prefix) const {
  Sha256 listing;
  for (const AssembledSource& source : sources) {
    if (source.name.starts_with(prefix)) listing.update(source.sha256).update("  ").update(source.name).update("\n");
  }
  return listing.finish().hex();
}

AssembledCorpus assemble_corpus(const AssemblyOptions& options, ProgressSink& progress) {
  const Rows rows = read_assembly_recipe(options.recipe, options.tier);
  ThreadPool pool(thread_count(options.num_threads));
  AssembledCorpus corpus{find_assembled(rows, options, pool)};
  check_other_files(corpus.sources, options.output_dir);
  check_packages(rows, corpus.sources, options);
  assemble_missing(rows, options, corpus.sources, pool, progress);
  std::sort(corpus.sources.begin(), corpus.sources.end(),
            [](const AssembledSource& a, const AssembledSource& b) { return a.name < b.name; });
  return corpus;
}

void assemble_for_run(const configs::Runtime& runtime, const BuildOptions& options, ProgressSink& progress) {
  if (!runtime.has_assembly()) return;
  const configs::Assembly& assembly = runtime.assembly();
  if (options.team.rank == 0) {
    assemble_corpus(
        {assembly.recipe(), assembly.tier(), assembly.package_dir(), options.corpus_dir, options.num_threads},
        progress);
  }
  options.team.wait();
}

}  // namespace reprise::data
