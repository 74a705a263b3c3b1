#pragma once
// GPT-2's pre-tokenisation: every byte of a text is in exactly one piece (pattern_scanner.h, Pattern::kGpt2).

#include <cstddef>
#include <string_view>

#include "pattern_scanner.h"

namespace reprise::data {

/// Returns the end of the piece that begins at `begin`. `text` is well-formed UTF-8 and `begin` a piece's beginning.
inline std::size_t pre_token_end(std::string_view text, std::size_t begin) {
  return PatternScanner(text).gpt2_end(begin);
}

/// Calls visit(piece) for every piece of well-formed `text`, from left to right.
template <typename Visit>
void for_each_pre_token(std::string_view text, Visit&& visit) {
  const PatternScanner scanner(text);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = scanner.gpt2_end(begin);
    visit(text.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace reprise::data
