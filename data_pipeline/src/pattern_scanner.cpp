#include "pattern_scanner.h"

namespace reprise::data {
namespace {

struct Spelling {
  std::string_view expression;
  Pattern pattern;
};

// The first spelling of a pattern is the one that is written.
constexpr Spelling kSpellings[] = {
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", Pattern::kGpt2},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", Pattern::kGpt2},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::kCl100k},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::kQwen2},
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::kO200k},
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::kTekken},
    {R"(\p{N}{1,3})", Pattern::kNumberTriples},
    {R"(\p{N})", Pattern::kSingleNumbers},
};

constexpr std::string_view kLongS = "\xC5\xBF";  // U+017F; folds to s

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

}  // namespace

std::optional<Pattern> find_pattern(std::string_view expression) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.expression == expression) return spelling.pattern;
  }
  return std::nullopt;
}

std::string_view expression_of(Pattern pattern) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.pattern == pattern) return spelling.expression;
  }
  return {};
}

/// 's 't 're 've 'm 'll 'd
std::size_t PatternScanner::contraction_end(std::size_t begin) const {
  const std::string_view rest = text_.substr(begin, 3);
  if (rest.size() < 2) return begin;
  if (rest[1] == 's' || rest[1] == 't' || rest[1] == 'm' || rest[1] == 'd') return begin + 2;
  return rest == "'re" || rest == "'ve" || rest == "'ll" ? begin + 3 : begin;
}

/// The same in any case.
std::size_t PatternScanner::caseless_contraction_end(std::size_t begin) const {
  const std::string_view rest = text_.substr(begin, 3);
  if (rest.size() < 2) return begin;
  const char first = lower(rest[1]);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return begin + 2;
  if (rest.size() < 3) return begin;
  if (rest.substr(1) == kLongS) return begin + 3;
  const char second = lower(rest[2]);
  const bool known =
      (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
  return known ? begin + 3 : begin;
}

/// \s+(?!\S)|\s+ : all the white space, but its last character goes to the word after it when there is one and the
/// run is longer than that character.
std::size_t PatternScanner::white_space_end(std::size_t begin) const {
  std::size_t last = begin;
  std::size_t end = begin;
  while (end < text_.size()) {
    const Character next = at(end);
    if (next.character_class != CharacterClass::kSpace) return last > begin ? last : end;
    last = end;
    end += next.num_bytes;
  }
  return end;
}

/// \s*[\r\n]+|\s+(?!\S)|\s+ : up to the last line end of the run where there is one.
std::size_t PatternScanner::white_space_and_lines_end(std::size_t begin) const {
  const std::size_t run = run_end(begin, CharacterClass::kSpace);
  for (std::size_t end = run; end > begin; --end) {
    if (is_line_end(text_[end - 1])) return end;
  }
  return white_space_end(begin);
}

std::size_t PatternScanner::up_to_numbers_end(std::size_t begin, int max_numbers) const {
  std::size_t end = begin;
  for (int k = 0; k < max_numbers && end < text_.size(); ++k) {
    const Character next = at(end);
    if (next.character_class != CharacterClass::kNumber) break;
    end += next.num_bytes;
  }
  return end;
}

std::size_t PatternScanner::numbers_end(std::size_t begin, int max_numbers) const {
  std::size_t end = up_to_numbers_end(begin, max_numbers);
  if (end > begin) return end;
  while (end < text_.size()) {
    const Character next = at(end);
    if (next.character_class == CharacterClass::kNumber) break;
    end += next.num_bytes;
  }
  return end;
}

}  // namespace reprise::data
