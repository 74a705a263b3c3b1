#pragma once
// Language labels for the texts of a recipe.

#include "reprise/configs/config.pb.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/language_labels.h"

namespace reprise::data {

/// Labels the normalised text of every document of the recipe's input files whose kind is one of recipe.languages.kind
/// (empty: any). Input is read as build_corpus() reads it, without comparing hashes. The labels do not depend on
/// options.num_threads. Throws kData, kIo.
LanguageLabels label_corpus(const configs::DataRecipe& recipe, const BuildOptions& options,
                            const LanguageDetector& detector, ProgressSink& progress);

}  // namespace reprise::data
