#include "reprise/data_pipeline/sentencepiece.h"

#include <fmt/core.h>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "sentencepiece_parts.h"
#include "text_normaliser.h"
#include "token_decoder.h"
#include "unicode_classes.h"

namespace reprise::data {

struct SentencePieceModel::State {
  State(std::string_view file, const std::string& name)
      : parts(read_sentencepiece(file, name)), map(parts.character_map, name), index(parts.pieces) {}

  SentencePieceParts parts;
  CharacterMap map;
  PieceIndex index;
};

namespace {

/// Ids of found pieces: an unknown one becomes bytes where the model has them, and else a run of them one id.
std::vector<TokenId> ids_of(const std::vector<FoundPiece>& found, const SentencePieceParts& parts,
                            const PieceIndex& index) {
  std::vector<TokenId> ids;
  bool after_unknown = false;
  for (const FoundPiece& piece : found) {
    const bool unknown = piece.id == index.unknown();
    if (unknown && parts.byte_fallback) {
      for (const char byte : piece.text) {
        ids.push_back(static_cast<TokenId>(index.byte_ids()[static_cast<std::uint8_t>(byte)].value_or(piece.id)));
      }
    } else if (!unknown || !after_unknown) {
      ids.push_back(static_cast<TokenId>(piece.id));
    }
    after_unknown = unknown;
  }
  return ids;
}

/// Joins pieces to a text.
class PieceJoiner {
 public:
  explicit PieceJoiner(const SentencePieceParts& parts) : parts_(parts) {}

  void add(const ScoredPiece& piece) {
    if (piece.type == PieceType::kByte) {
      bytes_.push_back(byte_of_token(piece.text).value_or('\0'));
      return;
    }
    flush_bytes();
    if (space_seen_ || !text_.empty()) at_start_ = false;
    space_seen_ = false;
    if (piece.type == PieceType::kUnknown) text_ += parts_.unknown_surface;
    if (piece.type == PieceType::kUnknown || piece.type == PieceType::kControl) return;
    std::string_view rest = piece.text;
    if (at_start_ && (parts_.add_dummy_prefix || parts_.remove_extra_spaces) && rest.starts_with(kSpaceSymbol)) {
      rest.remove_prefix(kSpaceSymbol.size());
      space_seen_ = !parts_.remove_extra_spaces;
    }
    text_ += replace_all(rest, kSpaceSymbol, " ");
  }

  std::string finish() {
    flush_bytes();
    return std::move(text_);
  }

 private:
  /// Bytes that are no character become U+FFFD each.
  void flush_bytes() {
    while (!bytes_.empty()) {
      std::size_t size = std::min<std::size_t>(4, bytes_.size());
      while (size > 0 && !is_character(bytes_.substr(0, size))) --size;
      if (size > 0) {
        text_.append(bytes_, 0, size);
      } else {
        text_ += "\xEF\xBF\xBD";
      }
      bytes_.erase(0, std::max<std::size_t>(1, size));
    }
  }

  static bool is_character(const std::string& bytes) {
    std::string storage;
    return well_formed_utf8(bytes, storage).data() == bytes.data() &&
           decode_character(bytes, 0).num_bytes == bytes.size();
  }

  const SentencePieceParts& parts_;
  std::string text_;
  std::string bytes_;
  bool at_start_ = true;
  bool space_seen_ = false;
};

}  // namespace

SentencePieceModel::SentencePieceModel(std::unique_ptr<const State> state) : state_(std::move(state)) {}
SentencePieceModel::~SentencePieceModel() = default;
SentencePieceModel::SentencePieceModel(SentencePieceModel&&) noexcept = default;
SentencePieceModel& SentencePieceModel::operator=(SentencePieceModel&&) noexcept = default;

SentencePieceModel SentencePieceModel::load(const std::filesystem::path& path) {
  return SentencePieceModel(std::make_unique<const State>(read_file(path), path.string()));
}

std::uint32_t SentencePieceModel::vocab_size() const { return static_cast<std::uint32_t>(state_->parts.pieces.size()); }

std::vector<TokenId> SentencePieceModel::encode(std::string_view text) const {
  const SentencePieceParts& parts = state_->parts;
  std::string repaired;
  const std::string normalised =
      normalise_for_sentencepiece(parts, state_->map, state_->index, well_formed_utf8(text, repaired));
  const auto found = parts.is_bpe ? find_bpe_pieces(parts, state_->index, normalised)
                                  : find_unigram_pieces(parts, state_->index, normalised);
  return ids_of(found, parts, state_->index);
}

std::string SentencePieceModel::decode(std::span<const TokenId> ids) const {
  PieceJoiner joiner(state_->parts);
  for (std::size_t k = 0; k < ids.size(); ++k) {
    REPRISE_REQUIRE(ids[k] >= 0 && static_cast<std::uint32_t>(ids[k]) < vocab_size(), ErrorKind::kData,
                    fmt::format("token id outside the vocabulary of {}: {} at position {}", vocab_size(), ids[k], k),
                    "are the ids from this model?");
    joiner.add(state_->parts.pieces[static_cast<std::size_t>(ids[k])]);
  }
  return joiner.finish();
}

}  // namespace reprise::data
