#pragma once
// Upper case, lower case or neither, as the expression of o200k asks. Tables are in the tree (unicode_classes.h).

#include <array>
#include <cstdint>
#include <span>

namespace reprise::data {

enum class LetterCase : std::uint8_t {
  kNone,    // neither letter nor mark
  kUpper,   // general category Lu, Lt
  kLower,   // Ll
  kEither,  // Lm, Lo, M*: stands among letters of any case
};

struct CaseRange {
  std::uint32_t first;
  std::uint32_t last;
  LetterCase letter_case;
};

/// Ranges of all code points that are not kNone, ascending.
std::span<const CaseRange> case_ranges();

/// The cases of all code points, 0x110000 of them.
const LetterCase* letter_case_table();

}  // namespace reprise::data
