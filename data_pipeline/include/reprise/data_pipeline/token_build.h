#pragma once
// From the documents of a run to its tokenizer and shards.

#include <cstddef>
#include <cstdint>

#include "reprise/configs/config.pb.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/corpus.h"

namespace reprise::data {

struct TokenBuildResult {
  std::size_t vocab_size = 0;
  std::uint64_t num_train_tokens = 0, num_held_out_tokens = 0;  // end-of-text tokens included
};

/// Throws kData where options.tokenizer names a file that cannot take the place of the recipe's tokenizer: it has too
/// many entries, or no end of text; where it names none, kConfig if none can be trained. To be called before documents
/// are built.
void require_usable_tokenizer(const configs::TokenizerRecipe& recipe, const BuildOptions& options);

/// Trains the tokenizer on the training documents that build_corpus() left in options.output_dir, or takes the one in
/// options.tokenizer, encodes all documents
/// and writes tokenizer/tokenizer.json, shards/{train,held_out}-*.h5 and the token columns of data/report.json. The
/// ranks of options.team share the encoding. Goes on where the same call was stopped. Throws kData, kIo. Ranks above 0
/// get an empty result.
TokenBuildResult build_tokens(const configs::TokenizerRecipe& recipe, const BuildOptions& options,
                              ProgressSink& progress);

}  // namespace reprise::data
