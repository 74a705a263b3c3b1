// Word boundaries: UAX #29, section 4.1. WB1 to WB999 name its rules.

#include <array>

#include "break_tables.h"
#include "segments.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

using W = WordBreak;

bool is_line_end(W kind) { return kind == W::kCr || kind == W::kLf || kind == W::kNewline; }
bool is_ignored(W kind) { return kind == W::kExtend || kind == W::kFormat || kind == W::kZwj; }
bool is_letter(W kind) { return kind == W::kALetter || kind == W::kHebrewLetter; }
bool is_middle_of_letters(W kind) { return kind == W::kMidLetter || kind == W::kMidNumLet || kind == W::kSingleQuote; }
bool is_middle_of_numbers(W kind) { return kind == W::kMidNum || kind == W::kMidNumLet || kind == W::kSingleQuote; }

/// ASCII letters, digits and the underscore: none of them breaks from another (WB5, WB8 to WB10, WB13a, WB13b).
std::array<bool, 256> make_plain_bytes() {
  std::array<bool, 256> plain{};
  for (int byte = 0; byte < 0x80; ++byte) {
    plain[static_cast<std::size_t>(byte)] =
        (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_';
  }
  return plain;
}
const std::array<bool, 256> kPlainBytes = make_plain_bytes();

bool is_plain(std::string_view text, std::size_t position) {
  return position < text.size() && kPlainBytes[static_cast<unsigned char>(text[position])];
}

/// Reads one segment from its beginning.
class Segment {
 public:
  Segment(std::string_view text, std::size_t begin) : text_(text), position_(begin) {}

  std::size_t end() {
    if (is_plain(text_, position_)) {
      take_plain_run();
    } else {
      take(next());
      if (is_line_end(last_)) {  // WB3, WB3a
        if (last_ == W::kCr && position_ < text_.size() && text_[position_] == '\n') ++position_;
        return position_;
      }
    }
    while (position_ < text_.size()) {
      if (joins_plain() && is_plain(text_, position_)) {
        take_plain_run();
        continue;
      }
      const Character character = next();
      if (!joins(character)) break;
      take(character);
    }
    return position_;
  }

 private:
  struct Character {
    W kind;
    bool pictograph;
    std::uint32_t num_bytes;
  };

  Character character_at(std::size_t position) const {
    const Decoded decoded = decode_character(text_, position);
    const std::uint8_t value = values_[decoded.code_point];
    return {word_break(value), (value & kPictograph) != 0, decoded.num_bytes};
  }
  Character next() const { return character_at(position_); }

  void take(const Character& character) {
    position_ += character.num_bytes;
    previous_ = character.kind;
    if (is_ignored(character.kind) && started_) return;  // WB4
    if (character.kind == W::kRegionalIndicator) odd_indicators_ = !odd_indicators_;
    before_last_ = last_;
    last_ = character.kind;
    started_ = true;
  }

  bool joins_plain() const { return last_ == W::kALetter || last_ == W::kNumeric || last_ == W::kExtendNumLet; }

  void take_plain_run() {
    while (is_plain(text_, position_)) ++position_;
    previous_ = last_ = word_break(values_[static_cast<unsigned char>(text_[position_ - 1])]);
    started_ = true;
  }

  /// The kind of the first character from `position` on that WB4 does not skip.
  W kind_ahead(std::size_t position) const {
    while (position < text_.size()) {
      const Character character = character_at(position);
      if (!is_ignored(character.kind)) return character.kind;
      position += character.num_bytes;
    }
    return W::kOther;
  }

  bool joins(const Character& character) const {
    const W kind = character.kind;
    if (is_line_end(kind)) return false;                                    // WB3b
    if (previous_ == W::kZwj && character.pictograph) return true;          // WB3c
    if (previous_ == W::kWSegSpace && kind == W::kWSegSpace) return true;   // WB3d
    if (is_ignored(kind)) return true;                                      // WB4
    if (joins_letters(character) || joins_numbers(character)) return true;  // WB5 to WB12
    if (last_ == W::kKatakana && kind == W::kKatakana) return true;         // WB13
    const auto carries = [](W k) { return is_letter(k) || k == W::kNumeric || k == W::kKatakana; };
    if (kind == W::kExtendNumLet) return carries(last_) || last_ == W::kExtendNumLet;           // WB13a
    if (last_ == W::kExtendNumLet) return carries(kind);                                        // WB13b
    return last_ == W::kRegionalIndicator && kind == W::kRegionalIndicator && odd_indicators_;  // WB15, WB16
  }

  bool joins_letters(const Character& character) const {
    const W kind = character.kind;
    if (is_letter(last_)) {
      if (is_letter(kind)) return true;                                                                       // WB5
      if (is_middle_of_letters(kind) && is_letter(kind_ahead(position_ + character.num_bytes))) return true;  // WB6
    }
    if (is_middle_of_letters(last_) && is_letter(before_last_) && is_letter(kind)) return true;  // WB7
    if (last_ == W::kHebrewLetter) {
      if (kind == W::kSingleQuote) return true;                                                             // WB7a
      if (kind == W::kDoubleQuote) return kind_ahead(position_ + character.num_bytes) == W::kHebrewLetter;  // WB7b
    }
    return last_ == W::kDoubleQuote && before_last_ == W::kHebrewLetter && kind == W::kHebrewLetter;  // WB7c
  }

  bool joins_numbers(const Character& character) const {
    const W kind = character.kind;
    if (kind == W::kNumeric) {
      if (last_ == W::kNumeric || is_letter(last_)) return true;          // WB8, WB9
      return is_middle_of_numbers(last_) && before_last_ == W::kNumeric;  // WB11
    }
    if (last_ != W::kNumeric) return false;
    if (is_letter(kind)) return true;                                                                 // WB10
    return is_middle_of_numbers(kind) && kind_ahead(position_ + character.num_bytes) == W::kNumeric;  // WB12
  }

  std::string_view text_;
  std::size_t position_;
  const std::uint8_t* values_ = word_break_values();
  W previous_ = W::kOther;     // kind of the character before position_
  W last_ = W::kOther;         // the same, but for those that WB4 skips
  W before_last_ = W::kOther;  // the one before last_
  bool odd_indicators_ = false;
  bool started_ = false;
};

}  // namespace

std::size_t word_segment_end(std::string_view text, std::size_t begin) { return Segment(text, begin).end(); }

}  // namespace reprise::data
