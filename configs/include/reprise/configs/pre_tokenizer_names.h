#pragma once
// The pre-tokenisers that a recipe may name (docs/formats/tokenizer.md).

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace reprise::configs {

inline constexpr std::array<std::string_view, 8> kPreTokenizerNames = {"gpt2",  "cl100k", "llama3", "olmo2",
                                                                       "qwen2", "o200k",  "tekken", "digits"};

inline bool is_pre_tokenizer_name(std::string_view name) {
  return std::find(kPreTokenizerNames.begin(), kPreTokenizerNames.end(), name) != kPreTokenizerNames.end();
}

/// "gpt2, cl100k, ...": for messages.
inline std::string pre_tokenizer_list() {
  std::string list;
  for (const std::string_view name : kPreTokenizerNames) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

}  // namespace reprise::configs
