#include "training_data.h"

#include <fmt/format.h>

#include "reprise/configs/profile.h"
#include "reprise/core/error.h"

namespace reprise::train {

void require_fitting_data(const configs::Recipe& recipe, const RunFolder& folder, const data::TokenSet& tokens,
                          const data::Tokenizer& tokenizer) {
  const configs::TrainRecipe& train = recipe.train();
  REPRISE_REQUIRE(tokenizer.digest() == tokens.tokenizer(), ErrorKind::kData,
                  fmt::format("{} has digest {}; the shards were made with {}", folder.tokenizer().string(),
                              tokenizer.digest().hex(), tokens.tokenizer().hex()),
                  "restore that tokenizer, or build both again with `reprise data build CONFIG [--tokenizer FILE]`");
  const std::uint32_t vocab_size = recipe.tokenizer().vocab_size();
  REPRISE_REQUIRE(tokenizer.vocab_size() <= vocab_size, ErrorKind::kData,
                  fmt::format("{} has {} entries; the recipe allows {}", folder.tokenizer().string(),
                              tokenizer.vocab_size(), vocab_size),
                  "build the tokenizer again with `reprise reproduce CONFIG`, or set tokenizer.vocab_size");
  REPRISE_REQUIRE(!train.document_mask() || tokenizer.end_of_text() == configs::kEndOfTextId, ErrorKind::kData,
                  fmt::format("{}: the end of text has id {}; train.document_mask needs id {}",
                              folder.tokenizer().string(), tokenizer.end_of_text(), configs::kEndOfTextId),
                  "make the tokenizer with `reprise data build CONFIG`");
  REPRISE_REQUIRE(tokens.num_sequences(train.sequence_length()) > 0, ErrorKind::kData,
                  fmt::format("{} holds {} tokens: not one sequence of {}", folder.shards().string(),
                              tokens.tokens().size(), train.sequence_length()),
                  "give more text or a shorter train.sequence_length");
}

}  // namespace reprise::train
