// The document pipeline: read, sort, normalise and filter, deduplicate, split, write.

#include "reprise/data_pipeline/corpus.h"

#include <algorithm>
#include <system_error>
#include <thread>

#include "document_reader.h"
#include "report_builder.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/filters.h"
#include "reprise/data_pipeline/normalise.h"
#include "reprise/data_pipeline/report.h"
#include "reprise/data_pipeline/selection.h"

namespace reprise::data {
namespace {

constexpr std::int64_t kFilterBatch = 256;  // documents between two updates of the progress

/// A document on its way, and what became of it.
struct Candidate {
  Document document;
  std::optional<Drop> drop;
  std::string survivor;
  Edits edits;
  std::uint64_t num_bytes_read = 0;
  std::uint64_t num_bytes_normalised = 0;
};

struct Input {
  std::vector<Candidate> candidates;
  std::vector<ReportInput> files;
};

std::uint64_t size_on_disk(const std::filesystem::path& path) {
  std::error_code ignored;  // a missing file is reported when it is opened
  const std::uintmax_t size = std::filesystem::file_size(path, ignored);
  return ignored ? 0 : size;
}

Input read_inputs(const configs::DataRecipe& recipe, const BuildOptions& options, ProgressSink& progress) {
  std::uint64_t total = 0;
  for (const auto& file : recipe.file()) total += size_on_disk(options.corpus_dir / file.path());
  progress.begin("read", static_cast<std::int64_t>(total), "bytes");
  Input input;
  std::uint64_t finished = 0;
  for (const auto& file : recipe.file()) {
    const ReadHandler handler = {
        [&](Document&& document) {
          input.candidates.push_back({std::move(document), {}, {}, {}, 0, 0});
        },
        [&](std::uint64_t position) { progress.update(static_cast<std::int64_t>(finished + position)); }};
    const InputContent content = read_documents(options.corpus_dir, file.path(), recipe.max_line_bytes(), handler);
    input.files.push_back({file.path(), content.sha256.hex(), file.sha256(), content.num_bytes, content.num_documents});
    finished += size_on_disk(options.corpus_dir / file.path());
  }
  progress.end();
  return input;
}

void check_hashes(const Input& input, const BuildOptions& options) {
  if (options.accept_changed_corpus) return;
  for (std::size_t i = 0; i < input.files.size(); ++i) {
    const ReportInput& file = input.files[i];
    if (file.sha256 == file.expected_sha256) continue;
    const std::string expected = file.expected_sha256.empty() ? "none in the recipe" : file.expected_sha256;
    throw Error(
        ErrorKind::kData,
        fmt::format("corpus file differs from the recipe: {}: SHA-256 of its content: expected {}, found {}",
                    (options.corpus_dir / file.file).string(), expected, file.sha256),
        fmt::format("fetch the file again, or accept it as another corpus: --set recipe.data.file[{}].sha256={}", i,
                    file.sha256));
  }
}

std::string place_of(const Document& document) {
  return fmt::format("{}:{}", document.source_file, document.source_line);
}

/// Sorts by id, so that nothing later can depend on the order of files or lines.
void sort_and_check_ids(std::vector<Candidate>& candidates) {
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.document.id, a.document.source_file, a.document.source_line) <
           std::tie(b.document.id, b.document.source_file, b.document.source_line);
  });
  const auto same =
      std::adjacent_find(candidates.begin(), candidates.end(),
                         [](const Candidate& a, const Candidate& b) { return a.document.id == b.document.id; });
  if (same == candidates.end()) return;
  throw Error(ErrorKind::kData,
              fmt::format("two documents have the same id: {} and {}: {}", place_of(same->document),
                          place_of((same + 1)->document), same->document.id),
              "give every document an id of its own, or list each input file once");
}

void normalise_and_filter(std::vector<Candidate>& candidates, const FilterChain& filters, int num_threads,
                          ProgressSink& progress) {
  const auto count = static_cast<std::int64_t>(candidates.size());
  const int available = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  ThreadPool pool(num_threads > 0 ? num_threads : available);
  progress.begin("filter", count, "documents");
  for (std::int64_t begin = 0; begin < count; begin += kFilterBatch) {
    const std::int64_t end = std::min(begin + kFilterBatch, count);
    pool.parallel_for(end - begin, [&](std::int64_t i) {
      Candidate& candidate = candidates[static_cast<std::size_t>(begin + i)];
      candidate.num_bytes_read = candidate.document.text.size();
      candidate.document.text = normalise_v1(candidate.document.text);
      candidate.num_bytes_normalised = candidate.document.text.size();
      candidate.drop = filters.apply(candidate.document, candidate.edits);
    });
    progress.update(end);
  }
  progress.end();
}

void drop_duplicates(std::vector<Candidate>& candidates) {
  std::vector<Candidate*> kept;
  std::vector<const Document*> documents;
  for (Candidate& candidate : candidates) {
    if (candidate.drop) continue;
    kept.push_back(&candidate);
    documents.push_back(&candidate.document);
  }
  const std::vector<std::optional<std::size_t>> survivors = find_duplicates(documents);
  std::vector<std::uint64_t> copies(kept.size(), 1);
  for (const auto& survivor : survivors) {
    if (survivor) ++copies[*survivor];
  }
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!survivors[i]) continue;
    kept[i]->drop = Drop{"exact_duplicate", static_cast<double>(copies[*survivors[i]]), 1};
    kept[i]->survivor = documents[*survivors[i]]->id;
  }
}

/// The three lists that a build writes, each in the order of ids.
struct Outcome {
  std::vector<const Document*> train;
  std::vector<const Document*> held_out;
  std::vector<DroppedDocument> dropped;
  Report report;
};

Outcome sort_out(std::vector<Candidate>& candidates, double held_out_fraction) {
  Outcome outcome;
  ReportBuilder builder;
  for (Candidate& candidate : candidates) {
    outcome.report.num_bytes_read += candidate.num_bytes_read;
    outcome.report.num_bytes_normalised += candidate.num_bytes_normalised;
    const Document& document = candidate.document;
    if (candidate.drop) {
      builder.add(document, "dropped", candidate.drop->rule);
      outcome.dropped.push_back({std::move(candidate.document), *candidate.drop, candidate.survivor});
      continue;
    }
    const bool held_out = is_held_out(document.id, held_out_fraction);
    builder.add(document, held_out ? "held_out" : "train", "");
    builder.add_edits(candidate.edits);
    (held_out ? outcome.held_out : outcome.train).push_back(&document);
  }
  builder.finish(outcome.report);
  return outcome;
}

void write_outcome(const Outcome& outcome, const std::filesystem::path& run, ProgressSink& progress) {
  make_folders(run / "data");
  // The report comes last: a folder with one holds a whole build.
  std::error_code ignored;
  std::filesystem::remove(report_path(run), ignored);
  progress.begin("write", 4, "files");
  write_documents(train_path(run), outcome.train);
  progress.update(1);
  write_documents(held_out_path(run), outcome.held_out);
  progress.update(2);
  write_dropped(dropped_path(run), outcome.dropped);
  progress.update(3);
  write_file_atomically(report_path(run), report_json(outcome.report));
  progress.update(4);
  progress.end();
}

void check_recipe(const configs::DataRecipe& recipe) {
  REPRISE_REQUIRE(recipe.normalisation() == "v1", ErrorKind::kConfig,
                  fmt::format("unknown normalisation: recipe.data.normalisation: {}", recipe.normalisation()),
                  "the only one is \"v1\" (docs/formats/documents.md)");
  REPRISE_REQUIRE(recipe.file_size() > 0, ErrorKind::kConfig, "no input file: recipe.data.file is empty",
                  "add file { path: \"...\" sha256: \"...\" } to recipe.data");
}

}  // namespace

CorpusResult build_corpus(const configs::DataRecipe& recipe, const BuildOptions& options, ProgressSink& progress) {
  check_recipe(recipe);
  const FilterChain filters(recipe);
  Input input = read_inputs(recipe, options, progress);
  check_hashes(input, options);
  REPRISE_REQUIRE(
      !input.candidates.empty(), ErrorKind::kData,
      fmt::format("the corpus holds no documents: {} file(s) in {}", input.files.size(), options.corpus_dir.string()),
      "check runtime.corpus_dir and recipe.data.file");
  sort_and_check_ids(input.candidates);
  normalise_and_filter(input.candidates, filters, options.num_threads, progress);
  if (recipe.exact_dedup()) drop_duplicates(input.candidates);
  Outcome outcome = sort_out(input.candidates, recipe.held_out_fraction());
  outcome.report.inputs = std::move(input.files);
  std::sort(outcome.report.inputs.begin(), outcome.report.inputs.end(),
            [](const ReportInput& a, const ReportInput& b) { return a.file < b.file; });
  write_outcome(outcome, options.output_dir, progress);
  REPRISE_REQUIRE(!outcome.train.empty(), ErrorKind::kData,
                  fmt::format("no document is left for training: {} dropped, {} held out", outcome.dropped.size(),
                              outcome.held_out.size()),
                  fmt::format("see which rules dropped them: reprise data report {}", options.output_dir.string()));
  return read_corpus_result(options.output_dir);
}

}  // namespace reprise::data
