#pragma once
// The decontamination of a recipe over a corpus in memory.

#include <filesystem>
#include <vector>

#include "corpus_inputs.h"
#include "reprise/configs/config.pb.h"

namespace reprise::data {

/// Compares the candidates that are not dropped with the evaluation files of the recipe, drops contaminated ones where
/// it says so, and writes `report` (contamination.json). Throws kData for a file whose hash differs from the recipe's,
/// unless options.accept_changed_corpus; kIo.
void decontaminate_corpus(const configs::Decontamination& config, const BuildOptions& options,
                          const std::filesystem::path& report, std::vector<Candidate>& candidates);

}  // namespace reprise::data
