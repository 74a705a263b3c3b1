#pragma once
// SentencePiece models (unigram and BPE: T5, Llama 2, Mistral, Gemma); same ids as the sentencepiece library.
// Thread-safety: encode and decode are const and may run on several threads.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

class SentencePieceModel {
 public:
  /// Reads a .model file. Throws kData with path and what is wrong or not supported, kIo.
  static SentencePieceModel load(const std::filesystem::path& path);
  ~SentencePieceModel();
  SentencePieceModel(SentencePieceModel&&) noexcept;
  SentencePieceModel& operator=(SentencePieceModel&&) noexcept;

  std::uint32_t vocab_size() const;
  /// Ids of any UTF-8 text, nothing added in front or behind. Ill-formed UTF-8: U+FFFD per maximal subpart, as
  /// Tokenizer::encode does; the reference itself takes each byte for one.
  std::vector<TokenId> encode(std::string_view text) const;
  /// Text of the ids; the model's normaliser may have changed it. Throws kData for an id outside the vocabulary.
  std::string decode(std::span<const TokenId> ids) const;

 private:
  struct State;
  explicit SentencePieceModel(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace reprise::data
