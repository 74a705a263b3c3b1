// The bytes that serde_json makes of a trained tokenizer, with two spaces of indentation.

#include <fmt/core.h>

#include "tokenizer_json.h"

namespace reprise::data {
namespace {

/// A JSON string as serde_json writes it: only what must be escaped is.
std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        result += "\\\"";
        break;
      case '\\':
        result += "\\\\";
        break;
      case '\b':
        result += "\\b";
        break;
      case '\f':
        result += "\\f";
        break;
      case '\n':
        result += "\\n";
        break;
      case '\r':
        result += "\\r";
        break;
      case '\t':
        result += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          result += c;
        }
    }
  }
  return result + "\"";
}

constexpr const char* kHead = R"({{
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [
    {{
      "id": {},
      "content": {},
      "single_word": false,
      "lstrip": false,
      "rstrip": false,
      "normalized": false,
      "special": true
    }}
  ],
  "normalizer": {},
  "pre_tokenizer": {},
  "post_processor": null,
  "decoder": {{
    "type": "ByteLevel",
    "add_prefix_space": true,
    "trim_offsets": true,
    "use_regex": true
  }},
  "model": {{
    "type": "BPE",
    "dropout": null,
    "unk_token": null,
    "continuing_subword_prefix": null,
    "end_of_word_suffix": null,
    "fuse_unk": false,
    "byte_fallback": false,
    "ignore_merges": false,
    "vocab": {{
)";

constexpr const char* kNfc = R"({
    "type": "NFC"
  })";

constexpr const char* kByteLevel = R"({{
{0}  "type": "ByteLevel",
{0}  "add_prefix_space": false,
{0}  "trim_offsets": true,
{0}  "use_regex": {1}
{0}}})";

constexpr const char* kSequence = R"({{
    "type": "Sequence",
    "pretokenizers": [
      {},
      {}
    ]
  }})";

constexpr const char* kDigits = R"({
        "type": "Digits",
        "individual_digits": true
      })";

constexpr const char* kSplit = R"({{
        "type": "Split",
        "pattern": {{
          "Regex": {}
        }},
        "behavior": "Isolated",
        "invert": false
      }})";

std::string pre_tokenizer_json(const PreTokenizerName& name) {
  if (name.each_digit) return fmt::format(kSequence, kDigits, fmt::format(kByteLevel, "      ", true));
  if (name.pattern == Pattern::kGpt2) return fmt::format(kByteLevel, "  ", true);
  const std::string split = fmt::format(kSplit, json_string(expression_of(name.pattern)));
  return fmt::format(kSequence, split, fmt::format(kByteLevel, "      ", false));
}

}  // namespace

std::string write_tokenizer_json(const BpeModel& model, const PreTokenizerName& pre_tokenizer) {
  std::string text = fmt::format(kHead, model.end_of_text, json_string(model.pieces[model.end_of_text]),
                                 pre_tokenizer.nfc ? kNfc : "null", pre_tokenizer_json(pre_tokenizer));
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const std::string symbols = id == model.end_of_text ? model.pieces[id] : bytes_to_symbols(model.pieces[id]);
    text += fmt::format("      {}: {}{}\n", json_string(symbols), id, id + 1 < model.pieces.size() ? "," : "");
  }
  text += "    },\n    \"merges\": [";
  for (std::size_t rank = 0; rank < model.merges.size(); ++rank) {
    const IdPair& pair = model.merges[rank].pair;
    text += fmt::format("{}\n      [\n        {},\n        {}\n      ]", rank > 0 ? "," : "",
                        json_string(bytes_to_symbols(model.pieces[pair.left])),
                        json_string(bytes_to_symbols(model.pieces[pair.right])));
  }
  return text + (model.merges.empty() ? "]\n  }\n}" : "\n    ]\n  }\n}");
}

}  // namespace reprise::data
