#pragma once
// Whether shards and tokenizer of a run folder are what its recipe can train on.

#include "reprise/configs/config.pb.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "run_folder.h"

namespace reprise::train {

/// Throws kData unless the shards were made with `tokenizer`, the recipe allows its vocabulary and its end of text, and
/// they hold at least one sequence.
void require_fitting_data(const configs::Recipe& recipe, const RunFolder& folder, const data::TokenSet& tokens,
                          const data::Tokenizer& tokenizer);

}  // namespace reprise::train
