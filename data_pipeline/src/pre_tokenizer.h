#pragma once
// GPT-2's pre-tokenisation, the way the regular expression
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// cuts a text: every byte of the text is in exactly one piece. Written by hand because the tables of a regular
// expression library would change with its version.

#include <cstddef>
#include <string_view>

namespace reprise::data {

/// Returns the end of the piece that begins at `begin`. `text` is well-formed UTF-8 and `begin` a piece's beginning.
std::size_t pre_token_end(std::string_view text, std::size_t begin);

/// Calls visit(piece) for every piece of well-formed `text`, from left to right.
template <typename Visit>
void for_each_pre_token(std::string_view text, Visit&& visit) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = pre_token_end(text, begin);
    visit(text.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace reprise::data
