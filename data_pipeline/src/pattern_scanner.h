#pragma once
// The regular expressions that cut a text in published tokenizers, written by hand: the tables of a regular expression
// library would change with its version, and ASCII text goes through one table look-up per byte. Thread-safety: const.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "unicode_classes.h"

namespace reprise::data {

/// Every one cuts a text without leaving out a byte, except the two of numbers, which match numbers alone.
enum class Pattern : std::uint8_t {
  kGpt2,           // GPT-2
  kCl100k,         // GPT-4, Llama 3, OLMo 2: numbers in groups of three
  kQwen2,          // Qwen: the same with one number at a time
  kNumberTriples,  // \p{N}{1,3}
  kSingleNumbers,  // \p{N}
  kO200k,          // GPT-4o, gpt-oss, Llama 4: words end where the case rises
  kTekken,         // Mistral's Tekken: the same with one number at a time and without contractions
};

/// Returns the pattern that `expression` spells, nothing for one that is not known. Spellings are compared byte by
/// byte.
std::optional<Pattern> find_pattern(std::string_view expression);

/// The spelling that find_pattern knows first.
std::string_view expression_of(Pattern pattern);

/// Classes of the bytes below 0x80; the others have kBeyondAscii.
inline constexpr std::uint8_t kBeyondAscii = 0xFF;
constexpr std::array<std::uint8_t, 256> byte_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    CharacterClass result = CharacterClass::kOther;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) result = CharacterClass::kLetter;
    if (c >= '0' && c <= '9') result = CharacterClass::kNumber;
    if (c == ' ' || (c >= '\t' && c <= '\r')) result = CharacterClass::kSpace;
    classes[c] = c < 0x80 ? static_cast<std::uint8_t>(result) : kBeyondAscii;
  }
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> kByteClasses = byte_classes();

/// Finds the ends of pieces in one well-formed text.
class PatternScanner {
 public:
  explicit PatternScanner(std::string_view text) : text_(text), classes_(character_class_table()) {}

  /// End of the piece that begins at `begin`, which is the beginning of the text or the end of a piece.
  std::size_t gpt2_end(std::size_t begin) const;
  /// The same for kCl100k (`max_numbers` 3) and kQwen2 (1).
  std::size_t cl100k_end(std::size_t begin, int max_numbers) const;
  /// The same for kO200k (`max_numbers` 3, with contractions) and kTekken.
  std::size_t o200k_end(std::size_t begin, int max_numbers, bool contractions) const;
  /// The same for the two patterns of numbers; what lies between two matches is a piece too.
  std::size_t numbers_end(std::size_t begin, int max_numbers) const;

 private:
  struct Character {
    CharacterClass character_class;
    std::uint32_t num_bytes;
  };

  Character at(std::size_t position) const {
    const std::uint8_t ascii = kByteClasses[static_cast<std::uint8_t>(text_[position])];
    if (ascii != kBeyondAscii) return {static_cast<CharacterClass>(ascii), 1};
    const Decoded decoded = decode_character(text_, position);
    return {classes_[decoded.code_point], decoded.num_bytes};
  }

  /// End of the run of characters of `wanted` class from `position` on.
  std::size_t run_end(std::size_t position, CharacterClass wanted) const {
    const auto ascii = static_cast<std::uint8_t>(wanted);
    while (true) {
      while (position < text_.size() && kByteClasses[static_cast<std::uint8_t>(text_[position])] == ascii) ++position;
      if (position == text_.size() || static_cast<std::uint8_t>(text_[position]) < 0x80) return position;
      const Character next = at(position);
      if (next.character_class != wanted) return position;
      position += next.num_bytes;
    }
  }

  std::size_t cased_word_end(std::size_t begin, std::size_t after_lead) const;
  std::size_t lower_word_end(std::size_t begin) const;
  std::size_t upper_word_end(std::size_t begin) const;
  std::size_t contraction_end(std::size_t begin) const;
  std::size_t caseless_contraction_end(std::size_t begin) const;
  std::size_t white_space_end(std::size_t begin) const;
  std::size_t white_space_and_lines_end(std::size_t begin) const;
  std::size_t up_to_numbers_end(std::size_t begin, int max_numbers) const;

  std::string_view text_;
  const CharacterClass* classes_;
};

inline std::size_t PatternScanner::gpt2_end(std::size_t begin) const {
  if (text_[begin] == '\'') {
    if (const std::size_t end = contraction_end(begin); end > begin) return end;
  }
  const std::size_t word = begin + (text_[begin] == ' ' ? 1 : 0);
  if (word < text_.size()) {
    const Character first = at(word);
    if (first.character_class != CharacterClass::kSpace) return run_end(word + first.num_bytes, first.character_class);
  }
  return white_space_end(begin);
}

inline std::size_t PatternScanner::cl100k_end(std::size_t begin, int max_numbers) const {
  const char lead = text_[begin];
  if (lead == '\'') {
    if (const std::size_t end = caseless_contraction_end(begin); end > begin) return end;
  }
  const Character first = at(begin);
  const std::size_t after = begin + first.num_bytes;
  if (first.character_class == CharacterClass::kLetter) return run_end(after, CharacterClass::kLetter);
  if (first.character_class == CharacterClass::kNumber) return up_to_numbers_end(begin, max_numbers);
  const bool has_next = after < text_.size();
  const CharacterClass next = has_next ? at(after).character_class : CharacterClass::kSpace;
  if (next == CharacterClass::kLetter && lead != '\r' && lead != '\n') return run_end(after, CharacterClass::kLetter);
  const bool other = first.character_class == CharacterClass::kOther;
  if (other || (lead == ' ' && has_next && next == CharacterClass::kOther)) {
    std::size_t end = run_end(after, CharacterClass::kOther);
    while (end < text_.size() && (text_[end] == '\r' || text_[end] == '\n')) ++end;
    return end;
  }
  return white_space_and_lines_end(begin);
}

}  // namespace reprise::data
