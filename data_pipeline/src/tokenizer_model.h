#pragma once
// What a Tokenizer holds, and how the trainer and the reader make one.

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "added_tokens.h"
#include "bpe_encoder.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "split_chain.h"
#include "tokenizer_parts.h"

namespace reprise::data {

struct Tokenizer::Model {
  Model(TokenizerParts tokenizer_parts, std::string text);

  /// Appends the ids of well-formed `text` without those of the post-processor, or gives them to the sink.
  void encode(std::string_view text, const EncodeOptions& options, std::vector<TokenId>& ids) const;
  void encode(std::string_view text, const EncodeOptions& options, const IdSink& sink) const;
  std::string token_text(std::uint32_t id) const;

  TokenizerParts parts;
  BpeEncoder encoder;
  SplitChain splits;
  AddedTokenMatcher added;             // in the text as it is
  AddedTokenMatcher added_normalised;  // in the normalised text
  // The normaliser is form C alone, and a text may be cut wherever SplitChain cuts it: a space after a letter composes
  // with nothing before it. So whoever encodes a part normalises it.
  bool normalises_parts;
  std::unordered_map<std::uint32_t, const AddedToken*> added_by_id;
  std::string json;
  Digest digest;
  std::uint32_t vocab_size;
  std::uint64_t serial;  // different for every model of the process: names the owner of a thread's word cache

 private:
  std::vector<TextPart> find_parts(std::string_view text, bool special, std::deque<std::string>& storage) const;
  void find_normalised(std::string_view text, bool special, std::deque<std::string>& storage,
                       std::vector<TextPart>& found) const;
  /// Appends the ids of found[begin] to found[end - 1]; the first of all stands at the start of the document.
  void encode_parts(const std::vector<TextPart>& found, std::size_t begin, std::size_t end,
                    std::vector<TokenId>& ids) const;
  void encode_tasks(const std::vector<TextPart>& found, int num_threads, const IdSink& sink) const;
};

class TokenizerBuilder {
 public:
  /// `json` is the text that `parts` were read from or are written as.
  static Tokenizer build(TokenizerParts parts, std::string json);
};

}  // namespace reprise::data
