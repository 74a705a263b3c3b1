#pragma once
// The "decoder" of a tokenizer.json: from the texts of tokens to one text. Thread-safety: const.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

struct DecoderStep {
  enum class Kind : std::uint8_t {
    kByteLevel,     // characters of the byte alphabet become their bytes; a token with any other stays as it is
    kMetaspace,     // `from` becomes a space, and nothing in the first token with `drop_first`
    kReplace,       // `from` becomes `to`
    kByteFallback,  // <0xNN> become bytes where a run of them is UTF-8, else U+FFFD each
    kFuse,          // all tokens become one
    kStrip,         // takes up to `start` and `stop` characters `from` off the two ends
  };
  Kind kind = Kind::kByteLevel;
  std::string from;
  std::string to;
  bool drop_first = true;
  std::size_t start = 0;
  std::size_t stop = 0;
};

/// The byte of a token like <0x0A>.
std::optional<char> byte_of_token(std::string_view token);

/// Joins `tokens` after the steps. No steps: with a space between them, as the reference does.
std::string decode_tokens(const std::vector<DecoderStep>& steps, std::vector<std::string> tokens);

/// What one token adds in the middle of a text: the steps without what they take off where a text begins and ends.
std::string decode_inside(const std::vector<DecoderStep>& steps, std::string token);

}  // namespace reprise::data
