#pragma once
// What a Tokenizer holds, and how the trainer and the reader make one.

#include <memory>
#include <string>

#include "bpe_encoder.h"
#include "bpe_model.h"
#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

struct Tokenizer::Model {
  Model(BpeModel model, std::string text);

  BpeModel bpe;
  BpeEncoder encoder;
  std::string json;
  Digest digest;
  std::uint64_t serial;  // different for every model of the process: names the owner of a thread's word cache
};

class TokenizerBuilder {
 public:
  /// `json` is the text that `model` was read from or is written as.
  static Tokenizer build(BpeModel model, std::string json);
};

}  // namespace reprise::data
