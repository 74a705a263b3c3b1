#include "dclm_counter.h"

#include <array>
#include <string>

#include "text_units.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

constexpr std::array<std::string_view, 12> kCounted = {"likes",     "shares",    "comments",  "retweets",
                                                       "reposts",   "quotes",    "bookmarks", "upvotes",
                                                       "downvotes", "downloads", "views",     "followers"};

/// Skips what is neither letter, number nor underscore.
std::size_t skip_marks(std::string_view text, std::size_t position) {
  while (position < text.size() && text[position] != '_') {
    const Decoded character = decode_character(text, position);
    const CharacterClass kind = character_class(character.code_point);
    if (kind == CharacterClass::kLetter || kind == CharacterClass::kNumber) break;
    position += character.num_bytes;
  }
  return position;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool is_dclm_counter(std::string_view line) {
  std::string lower(line);
  for (char& c : lower) c = static_cast<char>(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0));
  std::size_t at = skip_marks(lower, 0);
  if (at >= lower.size() || !is_digit(lower[at])) return false;
  while (at < lower.size() && (is_digit(lower[at]) || lower[at] == ',' || lower[at] == '.')) ++at;
  if (at < lower.size() && (lower[at] == 'k' || lower[at] == 'm' || lower[at] == 'b')) ++at;
  const std::size_t spaces = at;
  while (at < lower.size() && space_length(lower, at) > 0) at += space_length(lower, at);
  if (at == spaces) return false;
  for (const std::string_view counted : kCounted) {
    if (lower.compare(at, counted.size(), counted) == 0) return skip_marks(lower, at + counted.size()) == lower.size();
  }
  return false;
}

}  // namespace reprise::data
