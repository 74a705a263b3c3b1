#pragma once
// The first step of a build: read, normalise and filter, in segments of some megabytes that are sorted by id.

#include <vector>

#include "corpus_candidate.h"
#include "corpus_inputs.h"
#include "corpus_judge.h"
#include "corpus_scratch.h"
#include "reprise/core/progress.h"

namespace reprise::data {

/// Reads this rank's share of `files`, whose segments become pieces. Pieces that are there are not made again. Throws
/// kData, kIo.
void read_files(const std::vector<InputFile>& files, const configs::DataRecipe& recipe, const DocumentJudge& judge,
                const BuildOptions& options, const BuildScratch& scratch, ProgressSink& progress);

/// What the files held, by name; to be called when all ranks have read.
std::vector<ReportInput> read_file_facts(const std::vector<InputFile>& files, const BuildScratch& scratch);

/// All segments.
std::vector<std::filesystem::path> segment_files(const std::vector<InputFile>& files, const BuildScratch& scratch);

}  // namespace reprise::data
