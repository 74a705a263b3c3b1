#pragma once
// Byte-level BPE, compatible with Hugging Face tokenizers' tokenizer.json (docs/formats/tokenizer.md).
// Thread-safety: encode and decode are const and may run on several threads.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"
#include "reprise/core/progress.h"

namespace reprise::data {

using TokenId = std::int32_t;

/// Takes the ids of a text part by part, in the order of the text: one call at a time, on any thread.
using IdSink = std::function<void(std::span<const TokenId>)>;

struct EncodeOptions {
  /// Special tokens in the text are recognised, and the post-processor adds its own: what the reference does by
  /// default. Without it their spelling is text and nothing is added, which is right for text that people wrote.
  bool special_tokens = false;
  int num_threads = 1;
};

class Tokenizer {
 public:
  /// Reads a tokenizer.json. Throws kData with path and what is wrong or not supported.
  static Tokenizer load(const std::filesystem::path& path);
  /// The same for the text of a file that is called `name` in complaints.
  static Tokenizer parse(std::string text, const std::string& name);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// The largest id, plus one.
  std::uint32_t vocab_size() const;
  /// The special token that ends a document. Throws kData where the file does not say which one that is.
  TokenId end_of_text() const;
  bool has_end_of_text() const;
  /// Ids of any UTF-8 text; special tokens in the text are not recognised. Ill-formed UTF-8: U+FFFD per maximal
  /// subpart (Unicode, section 3.9), as the reference's callers do. The same ids for any number of threads.
  std::vector<TokenId> encode(std::string_view text) const { return encode(text, EncodeOptions{}); }
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const;
  /// The same ids, given to `sink` while others are still being encoded: for texts whose ids need not be in memory.
  void encode(std::string_view text, const EncodeOptions& options, const IdSink& sink) const;
  /// Bytes of the ids; special tokens give nothing. At byte level and without a normaliser decode(encode(x)) == x for
  /// well-formed x.
  std::string decode(std::span<const TokenId> ids) const;
  /// Bytes of text that a token stands for, whatever stands around it: at byte level those of its piece; <0xNN> one;
  /// others those of their spelling as the decoder writes it in the middle of a text, so that a space before a word
  /// counts, before the first one too; special tokens none. Throws kData for an id outside the vocabulary.
  std::size_t bytes_of_token(TokenId token) const;
  /// Text of the tokenizer.json.
  const std::string& json() const;
  /// SHA-256 of json().
  Digest digest() const;

 private:
  friend class TokenizerBuilder;
  struct Model;
  explicit Tokenizer(std::unique_ptr<const Model> model);
  std::unique_ptr<const Model> model_;
};

/// Calls `visit` once for each text of the training set, in any order.
using TextSource = std::function<void(const std::function<void(std::string_view)>& visit)>;

/// Throws kConfig, as train_tokenizer() does, where the recipe gives no tokenizer from any text.
void require_trainable(const configs::TokenizerRecipe& recipe);

/// Trains byte-level BPE. The result depends on the multiset of texts alone; ties: higher count first, then the pair
/// with the smaller ids, as the reference does.
Tokenizer train_tokenizer(const configs::TokenizerRecipe& recipe, const TextSource& texts, int num_threads,
                          ProgressSink& progress);

}  // namespace reprise::data
