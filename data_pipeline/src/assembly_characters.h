#pragma once
// Classes of characters as the corpus assembler asks for them: those of Python 3.11's str and re, whose reading of the
// extraction rules the published hashes belong to (docs/reference/standard_corpus.md). Pure functions; thread-safe.

#include <cstdint>
#include <span>

namespace reprise::data {

enum class WordClass : std::uint8_t {
  kNone,       // no word character
  kLetter,     // str.isalpha()
  kDecimal,    // \d
  kOtherWord,  // the rest of \w, without the underscore
};

struct WordRange {
  std::uint32_t first;
  std::uint32_t last;
  WordClass word_class;
};

/// Ranges of all code points that are not kNone, ascending.
std::span<const WordRange> word_class_ranges();

WordClass word_class(std::uint32_t code_point);

inline bool is_letter(std::uint32_t code_point) { return word_class(code_point) == WordClass::kLetter; }
inline bool is_decimal(std::uint32_t code_point) { return word_class(code_point) == WordClass::kDecimal; }
/// \w
inline bool is_word(std::uint32_t code_point) {
  return code_point == '_' || word_class(code_point) != WordClass::kNone;
}
/// \s, and what str.strip() takes away.
bool is_space(std::uint32_t code_point);

}  // namespace reprise::data
