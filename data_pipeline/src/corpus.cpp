// The document pipeline: read, sort, normalise and filter, deduplicate, split, write.

#include "reprise/data_pipeline/corpus.h"

#include <algorithm>
#include <system_error>
#include <thread>

#include "corpus_decontamination.h"
#include "corpus_dedup.h"
#include "corpus_inputs.h"
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
  CorpusInput input = read_corpus(recipe, options, progress);
  normalise_and_filter(input.candidates, filters, options.num_threads, progress);
  deduplicate_corpus(recipe, options.output_dir / "data" / ".scratch", options.num_threads, input.candidates);
  if (recipe.has_decontamination()) {
    decontaminate_corpus(recipe.decontamination(), options, options.output_dir / "data" / "contamination.json",
                         input.candidates);
  }
  Outcome outcome = sort_out(input.candidates, recipe.held_out_fraction());
  outcome.report.inputs = std::move(input.files);
  write_outcome(outcome, options.output_dir, progress);
  REPRISE_REQUIRE(!outcome.train.empty(), ErrorKind::kData,
                  fmt::format("no document is left for training: {} dropped, {} held out", outcome.dropped.size(),
                              outcome.held_out.size()),
                  fmt::format("see which rules dropped them: reprise data report {}", options.output_dir.string()));
  return read_corpus_result(options.output_dir);
}

}  // namespace reprise::data
