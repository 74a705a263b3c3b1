// Sentence boundaries: UAX #29, section 5.1. SB1 to SB998 name its rules.

#include "break_tables.h"
#include "segments.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

using S = SentenceBreak;

bool is_paragraph_end(S kind) { return kind == S::kSep || kind == S::kCr || kind == S::kLf; }
bool is_ignored(S kind) { return kind == S::kExtend || kind == S::kFormat; }
bool is_terminator(S kind) { return kind == S::kATerm || kind == S::kSTerm; }

/// Reads one segment from its beginning.
class Segment {
 public:
  Segment(std::string_view text, std::size_t begin) : text_(text), position_(begin) {}

  std::size_t end() {
    while (position_ < text_.size()) {
      const Character character = character_at(position_);
      if (breaks_before(character)) return position_;
      position_ += character.num_bytes;
      if (is_paragraph_end(character.kind)) {  // SB3, SB4
        if (character.kind == S::kCr && position_ < text_.size() && text_[position_] == '\n') ++position_;
        return position_;
      }
      if (!is_ignored(character.kind) || !started_) advance(character.kind);  // SB5
    }
    return position_;
  }

 private:
  /// What stands before position_: nothing of interest, a terminator with the closing marks behind it, or these and
  /// white space.
  enum class Tail { kNone, kTerminator, kClosed, kSpaced };

  struct Character {
    S kind;
    std::uint32_t num_bytes;
  };

  Character character_at(std::size_t position) const {
    const Decoded decoded = decode_character(text_, position);
    return {sentence_break(values_[decoded.code_point]), decoded.num_bytes};
  }

  void advance(S kind) {
    started_ = true;
    if (is_terminator(kind)) {
      tail_ = Tail::kTerminator;
      terminator_ = kind;
      before_terminator_ = last_;
    } else if (kind == S::kClose && (tail_ == Tail::kTerminator || tail_ == Tail::kClosed)) {
      tail_ = Tail::kClosed;
    } else if (kind == S::kSp && tail_ != Tail::kNone) {
      tail_ = Tail::kSpaced;
    } else {
      tail_ = Tail::kNone;
    }
    last_ = kind;
  }

  bool breaks_before(const Character& character) {
    const S kind = character.kind;
    if (tail_ == Tail::kNone || is_ignored(kind)) return false;  // SB5, SB998
    if (tail_ == Tail::kTerminator && terminator_ == S::kATerm) {
      if (kind == S::kNumeric) return false;  // SB6
      if (kind == S::kUpper && (before_terminator_ == S::kUpper || before_terminator_ == S::kLower))
        return false;  // SB7
    }
    if (terminator_ == S::kATerm && lower_case_follows()) return false;  // SB8
    if (kind == S::kSContinue || is_terminator(kind)) return false;      // SB8a
    if (kind == S::kSp || is_paragraph_end(kind)) return false;          // SB9, SB10
    if (kind == S::kClose && tail_ != Tail::kSpaced) return false;       // SB9
    return true;                                                         // SB11
  }

  /// Whether the next letter is lower-case, with no end of a sentence or paragraph before it. The character that
  /// decides is remembered, so that no stretch of the text is read for each of its characters again.
  bool lower_case_follows() {
    if (decided_ && position_ <= deciding_position_) return lower_case_follows_;
    decided_ = true;
    lower_case_follows_ = false;
    for (deciding_position_ = position_; deciding_position_ < text_.size();) {
      const Character character = character_at(deciding_position_);
      lower_case_follows_ = character.kind == S::kLower;
      if (lower_case_follows_ || character.kind == S::kOLetter || character.kind == S::kUpper ||
          is_paragraph_end(character.kind) || is_terminator(character.kind)) {
        break;
      }
      deciding_position_ += character.num_bytes;
    }
    return lower_case_follows_;
  }

  std::string_view text_;
  std::size_t position_;
  const std::uint8_t* values_ = sentence_break_values();
  Tail tail_ = Tail::kNone;
  S terminator_ = S::kOther;
  S before_terminator_ = S::kOther;
  S last_ = S::kOther;  // the last kind that SB5 does not skip
  bool started_ = false;
  bool decided_ = false;  // whether the next two hold the answer of lower_case_follows
  bool lower_case_follows_ = false;
  std::size_t deciding_position_ = 0;
};

}  // namespace

std::size_t sentence_segment_end(std::string_view text, std::size_t begin) { return Segment(text, begin).end(); }

}  // namespace reprise::data
