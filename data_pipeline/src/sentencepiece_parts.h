#pragma once
// What a SentencePiece .model file says, read, and the steps from text to ids. Written here and not taken from
// libsentencepiece: Debian's carries a protobuf of its own, which cannot live in one process with ours.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace reprise::data {

inline constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";  // U+2581

enum class PieceType : std::uint8_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

struct ScoredPiece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::kNormal;
};

struct SentencePieceParts {
  std::vector<ScoredPiece> pieces;
  bool is_bpe = false;
  bool byte_fallback = false;
  bool space_is_suffix = false;
  std::string unknown_surface = " \xE2\x81\x87 ";
  std::string character_map;  // precompiled
  bool add_dummy_prefix = true;
  bool remove_extra_spaces = true;
  bool escape_spaces = true;
};

/// Reads a .model file (the wire format of protobuf). Throws kData: `name`, what is wrong, the place.
SentencePieceParts read_sentencepiece(std::string_view file, const std::string& name);

/// Replaces prefixes of a text by a double-array trie.
class CharacterMap {
 public:
  /// An empty map changes nothing. Throws kData where the bytes are no map.
  CharacterMap(std::string_view bytes, const std::string& name);

  struct Match {
    std::size_t length = 0;  // 0: no prefix is in the map
    std::string_view replacement;
  };
  Match longest_prefix(std::string_view text) const;

 private:
  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

/// The pieces of a model by their text, and the user-defined ones apart.
class PieceIndex {
 public:
  explicit PieceIndex(const std::vector<ScoredPiece>& pieces);

  /// Id of a piece that text may become: normal, user-defined or unused.
  std::optional<std::uint32_t> find(std::string_view text) const;
  /// Length of the longest user-defined piece that begins `text`, or 0.
  std::size_t user_defined_prefix(std::string_view text) const;
  std::size_t longest_piece() const { return longest_piece_; }
  std::uint32_t unknown() const { return unknown_; }
  const std::vector<std::optional<std::uint32_t>>& byte_ids() const { return byte_ids_; }

 private:
  std::unordered_map<std::string_view, std::uint32_t> ids_;
  std::vector<std::string_view> user_defined_;  // longest first
  std::vector<std::optional<std::uint32_t>> byte_ids_;
  std::size_t longest_piece_ = 0;
  std::uint32_t unknown_ = 0;
};

/// A piece of the normalised text and its id.
struct FoundPiece {
  std::string_view text;
  std::uint32_t id;
};

std::string normalise_for_sentencepiece(const SentencePieceParts& parts, const CharacterMap& map,
                                        const PieceIndex& index, std::string_view text);
std::vector<FoundPiece> find_unigram_pieces(const SentencePieceParts& parts, const PieceIndex& index,
                                            std::string_view text);
std::vector<FoundPiece> find_bpe_pieces(const SentencePieceParts& parts, const PieceIndex& index,
                                        std::string_view text);

}  // namespace reprise::data
