// From a text to the text that pieces are found in, as SentencePiece's Normalizer makes it.

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "reprise/core/error.h"
#include "sentencepiece_parts.h"
#include "unicode_classes.h"

namespace reprise::data {

/// u32 size of the trie, the units of the trie (darts-clone), texts that end with NUL.
CharacterMap::CharacterMap(std::string_view bytes, const std::string& name) {
  if (bytes.empty()) return;
  std::uint32_t size = 0;
  if (bytes.size() >= 4) std::memcpy(&size, bytes.data(), 4);
  REPRISE_REQUIRE(bytes.size() > 4 && size % 4 == 0 && size > 0 && size < bytes.size() - 4 && bytes.back() == '\0',
                  ErrorKind::kData,
                  fmt::format("tokenizer {}: not a SentencePiece model: a character map of {} bytes with a trie of {}",
                              name, bytes.size(), size),
                  "give the .model file of a SentencePiece tokenizer; it may be damaged");
  units_.resize(size / 4);
  std::memcpy(units_.data(), bytes.data() + 4, size);
  replacements_ = bytes.substr(4 + size);
}

CharacterMap::Match CharacterMap::longest_prefix(std::string_view text) const {
  Match match;
  if (units_.empty()) return match;
  const auto offset = [](std::uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); };
  std::size_t node = offset(units_[0]);
  for (std::size_t k = 0; k < text.size(); ++k) {
    const auto byte = static_cast<std::uint8_t>(text[k]);
    node ^= byte;
    if (node >= units_.size() || (units_[node] & (1u << 31 | 0xFF)) != byte) break;
    const std::uint32_t unit = units_[node];
    node ^= offset(unit);
    if (node >= units_.size()) break;
    if ((unit >> 8 & 1) == 0) continue;
    const std::uint32_t value = units_[node] & ((1u << 31) - 1);
    if (value < replacements_.size()) match = {k + 1, replacements_.data() + value};
  }
  return match;
}

namespace {

class Normaliser {
 public:
  Normaliser(const SentencePieceParts& parts, const CharacterMap& map, const PieceIndex& index)
      : parts_(parts), map_(map), index_(index) {}

  std::string run(std::string_view text) {
    if (parts_.remove_extra_spaces) {
      for (CharacterMap::Match next = prefix(text); !text.empty() && next.replacement == " "; next = prefix(text)) {
        text.remove_prefix(next.length);
      }
    }
    if (text.empty()) return {};
    const std::string_view space = parts_.escape_spaces ? kSpaceSymbol : " ";
    if (parts_.add_dummy_prefix && !parts_.space_is_suffix) result_ += space;
    bool after_space = parts_.remove_extra_spaces;
    while (!text.empty()) {
      const CharacterMap::Match next = prefix(text);
      append(next.replacement, after_space);
      text.remove_prefix(next.length);
    }
    if (parts_.remove_extra_spaces) {
      while (result_.ends_with(space)) result_.erase(result_.size() - space.size());
    }
    if (parts_.add_dummy_prefix && parts_.space_is_suffix) result_ += space;
    return std::move(result_);
  }

 private:
  /// The next characters, and what they become.
  CharacterMap::Match prefix(std::string_view text) const {
    if (text.empty()) return {};
    if (const std::size_t length = index_.user_defined_prefix(text); length > 0)
      return {length, text.substr(0, length)};
    const CharacterMap::Match match = map_.longest_prefix(text);
    if (match.length > 0) return match;
    const std::size_t length = decode_character(text, 0).num_bytes;
    return {length, text.substr(0, length)};
  }

  void append(std::string_view text, bool& after_space) {
    while (after_space && text.starts_with(' ')) text.remove_prefix(1);
    if (!text.empty()) {
      for (const char c : text) {
        if (parts_.escape_spaces && c == ' ') {
          result_ += kSpaceSymbol;
        } else {
          result_ += c;
        }
      }
      after_space = text.ends_with(' ');
    }
    if (!parts_.remove_extra_spaces) after_space = false;
  }

  const SentencePieceParts& parts_;
  const CharacterMap& map_;
  const PieceIndex& index_;
  std::string result_;
};

}  // namespace

std::string normalise_for_sentencepiece(const SentencePieceParts& parts, const CharacterMap& map,
                                        const PieceIndex& index, std::string_view text) {
  return Normaliser(parts, map, index).run(text);
}

}  // namespace reprise::data
