#pragma once
// What a byte-level BPE tokenizer is, apart from any file format: pieces, merges, and the alphabet that stands for
// the 256 bytes in the file.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

/// Two ids next to each other; ordered by the left one, then the right one.
struct IdPair {
  std::uint32_t left;
  std::uint32_t right;

  auto operator<=>(const IdPair&) const = default;
  std::uint64_t packed() const { return static_cast<std::uint64_t>(left) << 32 | right; }
  static IdPair unpack(std::uint64_t packed) {
    return {static_cast<std::uint32_t>(packed >> 32), static_cast<std::uint32_t>(packed)};
  }
};

/// `pair` becomes `product`. The position in the list of merges is its rank: the smallest rank merges first.
struct BpeMerge {
  IdPair pair;
  std::uint32_t product;

  bool operator==(const BpeMerge&) const = default;
};

inline constexpr std::uint32_t kNoId = 0xFFFFFFFF;

/// Plain data. pieces[id] holds raw bytes; empty where the vocabulary has no such id. Byte level: every text begins as
/// its bytes. Otherwise as its characters, and byte_ids are those of <0x00> to <0xFF>, used where a character is no
/// piece.
struct BpeModel {
  std::vector<std::string> pieces;
  std::vector<BpeMerge> merges;
  std::array<std::uint32_t, 256> byte_ids{};
  std::uint32_t end_of_text = 0;  // kNoId: none. Its piece holds the text of the special token, which no merge makes
  bool byte_level = true;
  bool ignore_merges = false;  // a word that is a piece is that piece
  bool byte_fallback = false;
  bool fuse_unknown = false;
  std::uint32_t unknown = kNoId;  // for a character that is neither a piece nor made of bytes; kNoId: left out
};

/// Returns the code point that stands for `byte` in vocabularies: itself where it is printable in Latin-1, else
/// the next free one from U+0100 on (GPT-2's table).
std::uint32_t code_point_of_byte(std::uint8_t byte);

/// Returns the 256 bytes in the order of their code points: the order of their ids.
std::array<std::uint8_t, 256> bytes_by_code_point();

/// Raw bytes to the text that stands for them in the file.
std::string bytes_to_symbols(std::string_view bytes);

/// The other direction. Returns false when `symbols` has a character that stands for no byte.
bool symbols_to_bytes(std::string_view symbols, std::string& bytes);

}  // namespace reprise::data
