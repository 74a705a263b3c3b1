#pragma once
// The three classes of characters that pre-tokenisation asks for, and UTF-8. Tables are in the tree, with their
// Unicode version, because a system library's would change the tokens with the system.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace reprise::data {

enum class CharacterClass : std::uint8_t {
  kOther,
  kLetter,  // general category L*
  kNumber,  // general category N*
  kSpace,   // property White_Space
};

struct ClassRange {
  std::uint32_t first;
  std::uint32_t last;
  CharacterClass character_class;
};

/// Unicode version of the tables, such as "16.0.0".
const char* unicode_version();

/// Ranges of all code points that are not kOther, ascending.
std::span<const ClassRange> class_ranges();

/// The classes of all code points, 0x110000 of them.
const CharacterClass* character_class_table();

/// Returns the class of a code point below 0x110000.
CharacterClass character_class(std::uint32_t code_point);

/// A code point and how many bytes it takes.
struct Decoded {
  std::uint32_t code_point;
  std::uint32_t num_bytes;
};

/// Decodes the character at `position` of well-formed UTF-8.
inline Decoded decode_character(std::string_view text, std::size_t position) {
  const auto byte = [&](std::size_t k) {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[position + k]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (first < 0xF0) return {(first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

/// Returns `text` when it is well-formed; otherwise fills `storage` with a copy in which every maximal subpart of an
/// ill-formed sequence is U+FFFD (Unicode 16, section 3.9, table 3-8), and returns a view of it.
std::string_view well_formed_utf8(std::string_view text, std::string& storage);

/// Appends a code point below 0x110000 as UTF-8.
void append_utf8(std::string& text, std::uint32_t code_point);

}  // namespace reprise::data
