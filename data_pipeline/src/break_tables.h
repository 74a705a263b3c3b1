#pragma once
// Properties of UAX #29 (text segmentation) by code point, from tables in the tree (break_tables.cpp, generated).

#include <cstdint>
#include <span>

namespace reprise::data {

enum class WordBreak : std::uint8_t {
  kOther,
  kCr,
  kLf,
  kNewline,
  kExtend,
  kZwj,
  kFormat,
  kRegionalIndicator,
  kKatakana,
  kHebrewLetter,
  kALetter,
  kSingleQuote,
  kDoubleQuote,
  kMidNumLet,
  kMidLetter,
  kMidNum,
  kNumeric,
  kExtendNumLet,
  kWSegSpace,
};
constexpr std::uint8_t kWordBreakMask = 0x1F;
constexpr std::uint8_t kPictograph = 0x20;  // Extended_Pictographic

enum class SentenceBreak : std::uint8_t {
  kOther,
  kCr,
  kLf,
  kExtend,
  kSep,
  kFormat,
  kSp,
  kLower,
  kUpper,
  kOLetter,
  kNumeric,
  kATerm,
  kSContinue,
  kSTerm,
  kClose,
};
constexpr std::uint8_t kSentenceBreakMask = 0x0F;
constexpr std::uint8_t kUppercase = 0x10;  // property Uppercase
constexpr std::uint8_t kDigit = 0x20;      // Numeric_Type Decimal or Digit

/// Unicode version of these tables, such as "15.0.0".
const char* break_tables_unicode_version();

/// Runs of all code points in order: length * 256 + value.
std::span<const std::uint32_t> word_break_runs();
std::span<const std::uint32_t> sentence_break_runs();

/// The same tables with one byte for each of the 0x110000 code points: WordBreak | kPictograph, and
/// SentenceBreak | kUppercase | kDigit.
const std::uint8_t* word_break_values();
const std::uint8_t* sentence_break_values();

inline WordBreak word_break(std::uint8_t value) { return static_cast<WordBreak>(value & kWordBreakMask); }
inline SentenceBreak sentence_break(std::uint8_t value) {
  return static_cast<SentenceBreak>(value & kSentenceBreakMask);
}

}  // namespace reprise::data
