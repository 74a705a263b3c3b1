#pragma once
// What a tokenizer.json says, read.

#include <cstdint>
#include <vector>

#include "added_tokens.h"
#include "bpe_model.h"
#include "split_chain.h"
#include "text_normaliser.h"
#include "token_decoder.h"

namespace reprise::data {

struct TokenizerParts {
  BpeModel bpe;
  std::vector<AddedToken> added_tokens;  // in the order of the file
  std::vector<NormaliserStep> normaliser;
  std::vector<SplitStep> splits;
  std::vector<DecoderStep> decoder;
  // What the post-processor puts around a text.
  std::vector<std::uint32_t> prefix;
  std::vector<std::uint32_t> suffix;
};

}  // namespace reprise::data
