#pragma once
// The steps of a build behind reading and merging: what is decided about all documents together, and the files that it
// leaves. Duplicate paragraphs are taken out, chunks are measured by all ranks, one rank decides in the order of ids,
// all ranks compress, one puts the files together.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "corpus_judge.h"
#include "corpus_scratch.h"
#include "reprise/configs/config.pb.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/decontamination.h"

namespace reprise::data {

/// What all steps of a build share.
struct BuildContext {
  const configs::DataRecipe& recipe;
  const BuildOptions& options;
  BuildScratch& scratch;
  DocumentJudge judge;
  std::optional<EvalIndex> evals;  // with decontamination
  ProgressSink& progress;
};

/// Calls work(number) for this rank's chunks of `count`, on several threads.
void for_each_own_chunk(const BuildContext& build, std::uint64_t count, std::string_view phase,
                        const std::function<void(std::uint64_t)>& work);

/// The n-grams of the recipe's evaluation files, which are added to `files`. Throws kData where one is not what the
/// recipe says.
EvalIndex read_eval_files(const configs::Decontamination& config, const BuildOptions& options,
                          std::vector<SideFile>& files);

/// Writes the chunks "chunks" without duplicate paragraphs, as chunks "edited". For one rank. Throws kIo.
void remove_paragraphs(const BuildContext& build);

/// Measures this rank's chunks of sort `chunks`: a record of each document to the piece "measured" of the same number.
void measure_chunks(const BuildContext& build, const std::string& chunks);

/// Decides about all documents that were measured. For one rank. Leaves for each chunk a piece "decided" with the
/// documents that are dropped now, and in the scratch folder report.json and, with decontamination, contamination.json.
void decide(const BuildContext& build, const std::string& chunks);

/// Compresses the lines of this rank's chunks.
void write_chunk_lines(const BuildContext& build, const std::string& chunks);

/// Puts the lines of all chunks together as the files of the run, report.json last. For one rank.
void publish(const BuildContext& build, const std::string& chunks);

}  // namespace reprise::data
