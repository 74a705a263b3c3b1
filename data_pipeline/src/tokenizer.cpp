#include "reprise/data_pipeline/tokenizer.h"

#include <atomic>
#include <unordered_map>

#include "pre_tokenizer.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "tokenizer_json.h"
#include "tokenizer_model.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

/// Ids of the words that one thread met lately. Never changes a result; bounded, for text has no bounded vocabulary.
class WordCache {
 public:
  static constexpr std::size_t kMaxWords = 1 << 16;
  static constexpr std::size_t kMaxWordBytes = 64;

  struct Range {
    std::uint32_t offset;
    std::uint32_t length;
  };

  /// Forgets everything when another model owned the cache.
  void claim(std::uint64_t owner) {
    if (owner_ != owner) clear();
    owner_ = owner;
  }

  void encode(const BpeEncoder& encoder, std::string_view word, std::vector<TokenId>& ids) {
    if (word.size() > kMaxWordBytes) return encoder.encode_word(word, ids);
    const auto found = words_.find(word);
    if (found != words_.end()) {
      const auto first = ids_.begin() + found->second.offset;
      ids.insert(ids.end(), first, first + found->second.length);
      return;
    }
    if (words_.size() >= kMaxWords) clear();
    const std::size_t offset = ids_.size();
    encoder.encode_word(word, ids_);
    words_.emplace(word, Range{static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(ids_.size() - offset)});
    ids.insert(ids.end(), ids_.begin() + static_cast<std::ptrdiff_t>(offset), ids_.end());
  }

 private:
  void clear() {
    words_.clear();
    ids_.clear();
  }

  std::uint64_t owner_ = 0;
  std::unordered_map<std::string, Range, TextHash, std::equal_to<>> words_;
  std::vector<TokenId> ids_;
};

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> serial{0};
  return ++serial;
}

}  // namespace

Tokenizer::Model::Model(BpeModel model, std::string text)
    : bpe(std::move(model)), encoder(bpe), json(std::move(text)), digest(sha256(json)), serial(next_serial()) {}

Tokenizer TokenizerBuilder::build(BpeModel model, std::string json) {
  return Tokenizer(std::make_unique<const Tokenizer::Model>(std::move(model), std::move(json)));
}

Tokenizer::Tokenizer(std::unique_ptr<const Model> model) : model_(std::move(model)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  std::string text = read_file(path);
  BpeModel model = read_tokenizer_json(text, path.string());
  return TokenizerBuilder::build(std::move(model), std::move(text));
}

std::uint32_t Tokenizer::vocab_size() const { return static_cast<std::uint32_t>(model_->bpe.pieces.size()); }

TokenId Tokenizer::end_of_text() const { return static_cast<TokenId>(model_->bpe.end_of_text); }

std::vector<TokenId> Tokenizer::encode(std::string_view text) const {
  thread_local WordCache cache;
  cache.claim(model_->serial);
  std::string repaired;
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3 + 1);
  for_each_pre_token(well_formed_utf8(text, repaired),
                     [&](std::string_view word) { cache.encode(model_->encoder, word, ids); });
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string text;
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const auto id = static_cast<std::uint32_t>(ids[k]);
    REPRISE_REQUIRE(id < vocab_size(), ErrorKind::kData,
                    fmt::format("token id outside the vocabulary of {}: {} at position {}", vocab_size(), ids[k], k),
                    "are the ids from a run with this tokenizer? `reprise tokenizer show` prints its size and hash");
    if (id != model_->bpe.end_of_text) text += model_->bpe.pieces[id];
  }
  return text;
}

const std::string& Tokenizer::json() const { return model_->json; }

Digest Tokenizer::digest() const { return model_->digest; }

}  // namespace reprise::data
