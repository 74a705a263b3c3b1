#include "reprise/data_pipeline/tokenizer.h"

#include <algorithm>
#include <atomic>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "tokenizer_json.h"
#include "tokenizer_model.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> serial{0};
  return ++serial;
}

/// The reference decodes a token to its normalised spelling, and leaves it out where that is the content of a special
/// token: one that its normaliser changes is not left out.
TokenizerParts with_normalised_tokens(TokenizerParts parts) {
  std::string storage;
  for (AddedToken& token : parts.added_tokens) {
    token.decodes_to_nothing = token.special;
    if (!token.normalized) continue;
    std::string spelling(normalise_text(parts.normaliser, token.content, storage));
    token.decodes_to_nothing = token.special && spelling == token.content;
    token.content = std::move(spelling);
  }
  return parts;
}

AddedTokenMatcher make_matcher(const TokenizerParts& parts, bool normalised) {
  std::vector<const AddedToken*> tokens;
  for (const AddedToken& token : parts.added_tokens) {
    if (token.normalized == normalised) tokens.push_back(&token);
  }
  return AddedTokenMatcher(tokens);
}

std::uint32_t count_ids(const TokenizerParts& parts) {
  std::size_t count = parts.bpe.pieces.size();
  for (const AddedToken& token : parts.added_tokens) count = std::max<std::size_t>(count, std::size_t{token.id} + 1);
  return static_cast<std::uint32_t>(count);
}

bool is_form_c(const std::vector<NormaliserStep>& steps) {
  return !steps.empty() && std::all_of(steps.begin(), steps.end(), [](const NormaliserStep& step) {
    return step.kind == NormaliserStep::Kind::kNfc;
  });
}

/// Whether a token like <0x0A> stands for a byte.
bool has_byte_tokens(const TokenizerParts& parts) {
  return parts.bpe.byte_fallback ||
         std::any_of(parts.decoder.begin(), parts.decoder.end(),
                     [](const DecoderStep& step) { return step.kind == DecoderStep::Kind::kByteFallback; });
}

/// Whether the decoder does nothing but join the bytes of pieces.
bool joins_bytes(const TokenizerParts& parts) {
  return parts.bpe.byte_level && parts.decoder.size() == 1 && parts.decoder[0].kind == DecoderStep::Kind::kByteLevel;
}

}  // namespace

Tokenizer::Model::Model(TokenizerParts tokenizer_parts, std::string text)
    : parts(with_normalised_tokens(std::move(tokenizer_parts))),
      encoder(parts.bpe),
      splits(parts.splits),
      added(make_matcher(parts, false)),
      added_normalised(make_matcher(parts, true)),
      normalises_parts(added_normalised.empty() && is_form_c(parts.normaliser)),
      json(std::move(text)),
      digest(sha256(json)),
      vocab_size(count_ids(parts)),
      serial(next_serial()) {
  for (const AddedToken& token : parts.added_tokens) added_by_id[token.id] = &token;
}

/// As the file spells it; nothing for a special token or an id in a gap.
std::string Tokenizer::Model::token_text(std::uint32_t id) const {
  if (const auto entry = added_by_id.find(id); entry != added_by_id.end()) {
    return entry->second->decodes_to_nothing ? std::string() : entry->second->content;
  }
  if (id >= parts.bpe.pieces.size()) return {};
  return parts.bpe.byte_level ? bytes_to_symbols(parts.bpe.pieces[id]) : parts.bpe.pieces[id];
}

Tokenizer TokenizerBuilder::build(TokenizerParts parts, std::string json) {
  return Tokenizer(std::make_unique<const Tokenizer::Model>(std::move(parts), std::move(json)));
}

Tokenizer::Tokenizer(std::unique_ptr<const Model> model) : model_(std::move(model)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  REPRISE_REQUIRE(
      path.extension() != ".model", ErrorKind::kData,
      fmt::format("a SentencePiece model, where a tokenizer.json is read: {}", path.string()),
      "`reprise tokenizer encode --tokenizer MODEL FILE --out ids.npy` and `decode --tokenizer MODEL ids.npy` "
      "take one; runs and the other forms take a tokenizer.json");
  return parse(read_file(path), path.string());
}

Tokenizer Tokenizer::parse(std::string text, const std::string& name) {
  TokenizerParts parts = read_tokenizer_json(text, name);
  return TokenizerBuilder::build(std::move(parts), std::move(text));
}

std::uint32_t Tokenizer::vocab_size() const { return model_->vocab_size; }

bool Tokenizer::has_end_of_text() const { return model_->parts.bpe.end_of_text != kNoId; }

TokenId Tokenizer::end_of_text() const {
  REPRISE_REQUIRE(has_end_of_text(), ErrorKind::kData, "the tokenizer has no special token that ends a text",
                  "add a special token <|endoftext|> to its added_tokens");
  return static_cast<TokenId>(model_->parts.bpe.end_of_text);
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::string repaired;
  text = well_formed_utf8(text, repaired);
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3 + 1);
  if (options.special_tokens) ids.assign(model_->parts.prefix.begin(), model_->parts.prefix.end());
  model_->encode(text, options, ids);
  if (options.special_tokens) ids.insert(ids.end(), model_->parts.suffix.begin(), model_->parts.suffix.end());
  return ids;
}

void Tokenizer::encode(std::string_view text, const EncodeOptions& options, const IdSink& sink) const {
  std::string repaired;
  const auto give = [&](const std::vector<std::uint32_t>& added) {
    if (!options.special_tokens || added.empty()) return;
    sink(std::vector<TokenId>(added.begin(), added.end()));
  };
  give(model_->parts.prefix);
  model_->encode(well_formed_utf8(text, repaired), options, sink);
  give(model_->parts.suffix);
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  const bool joins = joins_bytes(model_->parts);
  std::string text;
  std::vector<std::string> tokens;
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const auto id = static_cast<std::uint32_t>(ids[k]);
    REPRISE_REQUIRE(id < vocab_size(), ErrorKind::kData,
                    fmt::format("token id outside the vocabulary of {}: {} at position {}", vocab_size(), ids[k], k),
                    "are the ids from a run with this tokenizer? `reprise tokenizer show` prints its size and hash");
    if (joins && !model_->added_by_id.contains(id)) {
      text += model_->parts.bpe.pieces[id];
      continue;
    }
    std::string token = model_->token_text(id);
    if (token.empty()) continue;
    if (joins) {
      text += decode_tokens(model_->parts.decoder, {std::move(token)});
    } else {
      tokens.push_back(std::move(token));
    }
  }
  return joins ? text : decode_tokens(model_->parts.decoder, std::move(tokens));
}

std::size_t Tokenizer::bytes_of_token(TokenId token) const {
  // Where bytes are joined, and for an id that is none, decode() has the answer: it depends on no other token.
  const auto id = static_cast<std::uint32_t>(token);
  if (joins_bytes(model_->parts) || id >= vocab_size()) return decode({&token, 1}).size();
  std::string text = model_->token_text(id);
  if (text.empty()) return 0;
  // A file without a decoder spells " the" as "Ġthe", which is no more text than the piece has bytes.
  if (model_->parts.bpe.byte_level && !model_->added_by_id.contains(id)) return model_->parts.bpe.pieces[id].size();
  if (has_byte_tokens(model_->parts) && byte_of_token(text)) return 1;
  return decode_inside(model_->parts.decoder, std::move(text)).size();
}

const std::string& Tokenizer::json() const { return model_->json; }

Digest Tokenizer::digest() const { return model_->digest; }

}  // namespace reprise::data
