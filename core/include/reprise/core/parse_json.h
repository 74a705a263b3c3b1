#pragma once
// JSON texts that may be somebody else's.

#include <fmt/core.h>

#include <cstddef>
#include <optional>
#include <string_view>

namespace reprise {

/// No file of ours, and no tokenizer.json that is published, is a tenth as deep.
inline constexpr int kMaxJsonDepth = 100;

/// The byte, counted from 1, of the bracket with which `text` nests deeper than kMaxJsonDepth. What is no JSON gives
/// some answer or none.
std::optional<std::size_t> too_deep_in_json(std::string_view text);

/// Json::parse(text) of nlohmann's json, for values that are safe to copy, compare and print: these recurse, and a deep
/// value would overrun the stack. Throws Json::parse_error.
template <typename Json>
Json parse_json(std::string_view text) {
  if (const std::optional<std::size_t> byte = too_deep_in_json(text)) {
    constexpr int kSyntaxError = 101;  // nlohmann's number for a text that is not what it has to be
    throw Json::parse_error::create(kSyntaxError, *byte,
                                    fmt::format("lists and objects nest more than {} deep", kMaxJsonDepth), nullptr);
  }
  return Json::parse(text);
}

}  // namespace reprise
