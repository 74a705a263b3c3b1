// The expression of o200k. A word is an optional character before it, then upper-case letters, then lower-case ones;
// letters without case and marks stand in both parts, so that the engine that defines the pattern goes back and forth.

#include <algorithm>
#include <vector>

#include "letter_cases.h"
#include "pattern_scanner.h"

namespace reprise::data {
namespace {

std::vector<LetterCase> expand_ranges() {
  std::vector<LetterCase> cases(0x110000, LetterCase::kNone);
  for (const CaseRange& range : case_ranges()) {
    std::fill(cases.begin() + range.first, cases.begin() + range.last + 1, range.letter_case);
  }
  return cases;
}

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

/// The part of a word from `position` on whose letters are of `wanted` case or of none.
struct CasedRun {
  std::size_t end;
  std::size_t after_either;  // end of the last letter without case; where the run begins if there is none
};

CasedRun cased_run(std::string_view text, std::size_t position, LetterCase wanted) {
  const LetterCase* const cases = letter_case_table();
  CasedRun run{position, position};
  while (run.end < text.size()) {
    const Decoded character = decode_character(text, run.end);
    const LetterCase letter_case = cases[character.code_point];
    if (letter_case != wanted && letter_case != LetterCase::kEither) break;
    run.end += character.num_bytes;
    if (letter_case == LetterCase::kEither) run.after_either = run.end;
  }
  return run;
}

}  // namespace

const LetterCase* letter_case_table() {
  static const std::vector<LetterCase> cases = expand_ranges();
  return cases.data();
}

/// [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+ : where no lower-case letter follows the first part, it
/// gives back what comes after its last letter without case. `begin` where nothing matches.
std::size_t PatternScanner::lower_word_end(std::size_t begin) const {
  const CasedRun upper = cased_run(text_, begin, LetterCase::kUpper);
  const std::size_t end = cased_run(text_, upper.end, LetterCase::kLower).end;
  return end > upper.end ? end : upper.after_either;
}

/// [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]* where lower_word_end found nothing: no letter of the
/// second part follows then.
std::size_t PatternScanner::upper_word_end(std::size_t begin) const {
  return cased_run(text_, begin, LetterCase::kUpper).end;
}

/// The first two branches in the order in which they are tried: each with the character before the word, which ends at
/// `after_lead`, then without. `begin` where nothing matches.
std::size_t PatternScanner::cased_word_end(std::size_t begin, std::size_t after_lead) const {
  if (const std::size_t end = lower_word_end(after_lead); end > after_lead) return end;
  if (const std::size_t end = lower_word_end(begin); end > begin) return end;
  if (const std::size_t end = upper_word_end(after_lead); end > after_lead) return end;
  return upper_word_end(begin);
}

std::size_t PatternScanner::o200k_end(std::size_t begin, int max_numbers, bool contractions) const {
  const char lead = text_[begin];
  const Character first = at(begin);
  if (first.character_class == CharacterClass::kNumber) return up_to_numbers_end(begin, max_numbers);
  const std::size_t after = begin + first.num_bytes;
  const bool may_lead = first.character_class != CharacterClass::kLetter && !is_line_end(lead);
  if (const std::size_t end = cased_word_end(begin, may_lead ? after : begin); end > begin) {
    if (!contractions || end == text_.size() || text_[end] != '\'') return end;
    return caseless_contraction_end(end);
  }
  const bool other = first.character_class == CharacterClass::kOther;
  if (other || (lead == ' ' && after < text_.size() && at(after).character_class == CharacterClass::kOther)) {
    std::size_t end = run_end(after, CharacterClass::kOther);
    while (end < text_.size() && (is_line_end(text_[end]) || text_[end] == '/')) ++end;
    return end;
  }
  return white_space_and_lines_end(begin);
}

}  // namespace reprise::data
