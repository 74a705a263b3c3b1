#include "added_tokens.h"

#include <algorithm>

#include "tokenizer_tables.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

bool is_word_character(std::uint32_t c) {
  const auto ranges = word_ranges();
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](std::uint32_t value, const CodePointRange& range) { return value < range.first; });
  return after != ranges.begin() && c <= (after - 1)->last;
}

/// Beginning of the character that ends at `end`, which is not 0.
std::size_t previous_character(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while ((static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return begin;
}

bool word_before(std::string_view text, std::size_t end) {
  return end > 0 && is_word_character(decode_character(text, previous_character(text, end)).code_point);
}

bool word_after(std::string_view text, std::size_t begin) {
  return begin < text.size() && is_word_character(decode_character(text, begin).code_point);
}

bool is_space(std::string_view text, std::size_t position) {
  return character_class(decode_character(text, position).code_point) == CharacterClass::kSpace;
}

std::size_t strip_left(std::string_view text, std::size_t begin) {
  while (begin > 0 && is_space(text, previous_character(text, begin))) begin = previous_character(text, begin);
  return begin;
}

std::size_t strip_right(std::string_view text, std::size_t end) {
  while (end < text.size() && is_space(text, end)) end += decode_character(text, end).num_bytes;
  return end;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(const std::vector<const AddedToken*>& tokens) : nodes_(1) {
  for (const AddedToken* token : tokens) {
    if (!token->content.empty()) add(*token);
  }
}

std::uint32_t AddedTokenMatcher::child_of(std::uint32_t node, char byte) const {
  std::uint32_t child = nodes_[node].child;
  while (child != 0 && nodes_[child].byte != static_cast<std::uint8_t>(byte)) child = nodes_[child].sibling;
  return child;
}

/// Of two tokens with one spelling the first counts.
void AddedTokenMatcher::add(const AddedToken& token) {
  const auto first = static_cast<std::uint8_t>(token.content[0]);
  begins_token_[first] = true;
  only_begin_ = only_begin_ == -1 || only_begin_ == first ? first : -2;
  has_ordinary_ |= !token.special;
  std::uint32_t node = 0;
  for (const char byte : token.content) {
    std::uint32_t child = child_of(node, byte);
    if (child == 0) {
      child = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({static_cast<std::uint8_t>(byte), 0, nodes_[node].child, nullptr});
      nodes_[node].child = child;
    }
    node = child;
  }
  if (nodes_[node].token == nullptr) nodes_[node].token = &token;
}

AddedTokenMatcher::Match AddedTokenMatcher::next_match(std::string_view text, std::size_t position) const {
  for (; position < text.size(); ++position) {
    if (only_begin_ >= 0) {  // the library's search reads many bytes at a time
      position = text.find(static_cast<char>(only_begin_), position);
      if (position == std::string_view::npos) break;
    }
    if (!begins_token_[static_cast<std::uint8_t>(text[position])]) continue;
    Match match{position, position, nullptr};
    std::uint32_t node = 0;
    for (std::size_t end = position; end < text.size();) {
      node = child_of(node, text[end]);
      if (node == 0) break;
      ++end;
      if (nodes_[node].token != nullptr) match = {position, end, nodes_[node].token};
    }
    if (match.token != nullptr) return match;
  }
  return {text.size(), text.size(), nullptr};
}

void AddedTokenMatcher::split(std::string_view text, bool special, std::vector<TextPart>& parts) const {
  std::size_t done = 0;
  for (Match match = next_match(text, 0); match.token != nullptr; match = next_match(text, match.end)) {
    const AddedToken& token = *match.token;
    if (token.special && !special) continue;
    if (token.single_word && (word_before(text, match.begin) || word_after(text, match.end))) continue;
    // White space that the token before has taken stays with it.
    const std::size_t begin = token.lstrip ? std::max(strip_left(text, match.begin), done) : match.begin;
    const std::size_t end = token.rstrip ? strip_right(text, match.end) : match.end;
    if (done < begin) parts.push_back({text.substr(done, begin - done), nullptr});
    parts.push_back({text.substr(begin, end - begin), &token});
    done = end;
  }
  if (done < text.size()) parts.push_back({text.substr(done), nullptr});
}

}  // namespace reprise::data
