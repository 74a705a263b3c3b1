#pragma once
// The deduplications of a recipe over a corpus in memory. Candidates are sorted by id; those that are dropped already
// are passed by.

#include <filesystem>
#include <vector>

#include "corpus_inputs.h"
#include "reprise/configs/config.pb.h"

namespace reprise::data {

/// Runs what the recipe asks for, in this order: paragraphs, exact, MinHash. `scratch` is a folder that may be made and
/// is removed again; indexes that outgrow 512 MiB are sorted there. Throws kIo.
void deduplicate_corpus(const configs::DataRecipe& recipe, const std::filesystem::path& scratch, int num_threads,
                        std::vector<Candidate>& candidates);

}  // namespace reprise::data
