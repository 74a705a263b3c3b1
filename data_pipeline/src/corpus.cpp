// The document pipeline: read, normalise and filter; sort; deduplicate; decontaminate; split; write.

#include "reprise/data_pipeline/corpus.h"

#include "corpus_inputs.h"
#include "corpus_merge.h"
#include "corpus_read.h"
#include "corpus_scratch.h"
#include "corpus_steps.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/thread_count.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {
namespace {

void check_recipe(const configs::DataRecipe& recipe) {
  REPRISE_REQUIRE(recipe.normalisation() == "v1", ErrorKind::kConfig,
                  fmt::format("unknown normalisation: recipe.data.normalisation: {}", recipe.normalisation()),
                  "the only one is \"v1\" (docs/formats/documents.md)");
  REPRISE_REQUIRE(recipe.file_size() > 0, ErrorKind::kConfig, "no input file: recipe.data.file is empty",
                  "add file { path: \"...\" sha256: \"...\" } to recipe.data");
}

[[noreturn]] void fail_without_documents(const std::vector<ReportInput>& inputs, const BuildOptions& options) {
  std::string what =
      fmt::format("the corpus holds no documents: {} file(s) in {}", inputs.size(), options.corpus_dir.string());
  SkippedInput skipped;
  for (const ReportInput& input : inputs) {
    for (const auto& [fault, count] : input.skipped) skipped[fault] += count;
  }
  for (const auto& [fault, count] : skipped) what += fmt::format("; passed over {} time(s): {}", count, fault);
  throw Error(ErrorKind::kData, what,
              skipped.empty()
                  ? "check runtime.corpus_dir and recipe.data.file"
                  : fmt::format("see the first one: --set 'data.bad_input.{}=\"stop\"'", skipped.begin()->first));
}

/// Everything that was read, once all ranks have: compared with the recipe, and merged.
void sort_documents(const BuildContext& build, const std::vector<InputEntry>& entries,
                    const std::vector<InputFile>& files) {
  std::vector<ReportInput> inputs = read_file_facts(files, build.scratch);
  check_hashes(entries, build.options, inputs);
  const std::vector<std::filesystem::path> segments = segment_files(files, build.scratch);
  if (segments.empty()) fail_without_documents(inputs, build.options);
  merge_segments(segments, InputPolicy(build.recipe.bad_input()), build.scratch, build.options.piece_bytes, inputs,
                 build.progress);
  write_inputs(inputs, build.scratch);
}

/// The folder of temporary files of this build, opened by all ranks.
BuildScratch open_scratch(const configs::DataRecipe& recipe, const BuildOptions& options,
                          const std::vector<InputFile>& files, const std::vector<SideFile>& side_files) {
  const std::string what = configs::to_text(recipe) + fmt::format("pieces of {}{}", options.piece_bytes,
                                                                  options.accept_changed_corpus ? ", any file" : "");
  const std::string inputs = listing_of(files, options.corpus_dir) + listing_of(side_files);
  return BuildScratch(options.output_dir / "data" / ".build", build_key(what, inputs), options.team);
}

void check_outcome(const std::filesystem::path& run) {
  std::uint64_t num_train = 0, num_held_out = 0, num_dropped = 0;
  for (const ReportRow& row : read_report(run).rows) {
    (row.split == "train" ? num_train : row.split == "held_out" ? num_held_out : num_dropped) += row.num_documents;
  }
  REPRISE_REQUIRE(num_train > 0, ErrorKind::kData,
                  fmt::format("no document is left for training: {} dropped, {} held out", num_dropped, num_held_out),
                  fmt::format("see which rules dropped them: reprise data report {}", run.string()));
}

void run_steps(const BuildContext& build, const std::vector<InputEntry>& entries, const std::vector<InputFile>& files) {
  BuildScratch& scratch = build.scratch;
  scratch.run_on_all("read",
                     [&] { read_files(files, build.recipe, build.judge, build.options, scratch, build.progress); });
  scratch.run_on_one("sort", [&] { sort_documents(build, entries, files); });
  std::string chunks = "chunks";
  if (build.recipe.has_paragraph_dedup()) {
    scratch.run_on_one("paragraphs", [&] { remove_paragraphs(build); });
    chunks = "edited";
  }
  scratch.run_on_all("measure", [&] { measure_chunks(build, chunks); });
  scratch.run_on_one("decide", [&] { decide(build, chunks); });
  scratch.run_on_all("compress", [&] { write_chunk_lines(build, chunks); });
  scratch.run_on_one("publish", [&] { publish(build, chunks); });
}

}  // namespace

CorpusResult build_corpus(const configs::DataRecipe& recipe, const BuildOptions& given, ProgressSink& progress) {
  check_recipe(recipe);
  BuildOptions options = given;
  options.num_threads = thread_count(given.num_threads);
  const std::vector<InputEntry> entries = expand_entries(recipe, options.corpus_dir);
  const std::vector<InputFile> files = plan_reading(entries, options.corpus_dir, options.team.size);
  DocumentJudge judge(recipe, options);
  std::vector<SideFile> side_files = judge.files();
  std::optional<EvalIndex> evals;
  if (recipe.has_decontamination()) evals = read_eval_files(recipe.decontamination(), options, side_files);
  BuildScratch scratch = open_scratch(recipe, options, files, side_files);
  BuildContext build{recipe, options, scratch, std::move(judge), std::move(evals), progress};
  run_steps(build, entries, files);
  if (options.team.rank != 0) return {};
  check_outcome(options.output_dir);
  CorpusResult result = read_corpus_result(options.output_dir);
  for (const SideFile& file : side_files) {
    if (!file.is_expected) result.mismatched_files.push_back(file.name);
  }
  return result;
}

void remove_build_files(const std::filesystem::path& output_dir) {
  std::error_code ignored;  // left behind they take space, nothing else
  std::filesystem::remove_all(output_dir / "data" / ".build", ignored);
  std::filesystem::remove_all(output_dir / "data" / ".tokens", ignored);
}

}  // namespace reprise::data
