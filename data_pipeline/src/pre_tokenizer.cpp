#include "pre_tokenizer.h"

#include <array>

#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::array<CharacterClass, 128> ascii_classes() {
  std::array<CharacterClass, 128> classes{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (letter) classes[static_cast<std::size_t>(c)] = CharacterClass::kLetter;
    if (c >= '0' && c <= '9') classes[static_cast<std::size_t>(c)] = CharacterClass::kNumber;
    if (space) classes[static_cast<std::size_t>(c)] = CharacterClass::kSpace;
  }
  return classes;
}

constexpr std::array<CharacterClass, 128> kAsciiClasses = ascii_classes();

struct Character {
  CharacterClass character_class;
  std::uint32_t num_bytes;
};

Character character_at(std::string_view text, std::size_t position) {
  const auto byte = static_cast<unsigned char>(text[position]);
  if (byte < 0x80) return {kAsciiClasses[byte], 1};
  const Decoded decoded = decode_character(text, position);
  return {character_class(decoded.code_point), decoded.num_bytes};
}

/// Length of 's 't 're 've 'm 'll 'd at `position`, or 0.
std::size_t contraction_length(std::string_view text, std::size_t position) {
  const std::string_view rest = text.substr(position, 3);
  if (rest.size() < 2 || rest[0] != '\'') return 0;
  if (rest[1] == 's' || rest[1] == 't' || rest[1] == 'm' || rest[1] == 'd') return 2;
  return rest == "'re" || rest == "'ve" || rest == "'ll" ? 3 : 0;
}

/// End of the run of characters of `wanted` class from `position` on.
std::size_t run_end(std::string_view text, std::size_t position, CharacterClass wanted) {
  while (position < text.size()) {
    const Character next = character_at(text, position);
    if (next.character_class != wanted) break;
    position += next.num_bytes;
  }
  return position;
}

/// \s+(?!\S)|\s+ : all the white space, but its last character goes to the word after it when there is one and the
/// run is longer than that character.
std::size_t white_space_end(std::string_view text, std::size_t begin) {
  std::size_t last = begin;
  std::size_t end = begin;
  while (end < text.size()) {
    const Character next = character_at(text, end);
    if (next.character_class != CharacterClass::kSpace) return last > begin ? last : end;
    last = end;
    end += next.num_bytes;
  }
  return end;
}

}  // namespace

std::size_t pre_token_end(std::string_view text, std::size_t begin) {
  if (const std::size_t length = contraction_length(text, begin); length > 0) return begin + length;
  const std::size_t word = begin + (text[begin] == ' ' ? 1 : 0);
  if (word < text.size()) {
    const CharacterClass wanted = character_at(text, word).character_class;
    if (wanted != CharacterClass::kSpace) return run_end(text, word, wanted);
  }
  return white_space_end(text, begin);
}

}  // namespace reprise::data
