#include "tokenizer_json.h"

#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

using nlohmann::json;

constexpr const char* kHint =
    "use a tokenizer.json that `reprise` wrote, or one with ByteLevel pre-tokenisation and a plain BPE model";

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
  "normalizer": null,
  "pre_tokenizer": {{
    "type": "ByteLevel",
    "add_prefix_space": false,
    "trim_offsets": true,
    "use_regex": true
  }},
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

/// Collects the model from the parsed file, checking every part whose other values would change ids.
class Reader {
 public:
  Reader(const json& root, const std::string& name) : root_(root), name_(name) {}
  BpeModel read();

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kData, fmt::format("tokenizer {}: {}", name_, what), kHint);
  }
  const json& member(const json& object, const std::string& key, const std::string& where) const;
  /// Requires object[key] to be `expected`; an absent key means `expected` too when `may_be_absent`.
  void require(const json& object, const std::string& key, const std::string& where, const json& expected,
               bool may_be_absent) const;
  void check_parts() const;
  void read_special_token();
  void read_vocabulary(const json& vocabulary);
  void read_bytes();
  void read_merges(const json& merges);
  std::uint32_t id_of(const std::string& symbols, std::size_t rank) const;
  std::pair<std::string, std::string> split_merge(const json& merge, std::size_t rank) const;

  const json& root_;
  const std::string& name_;
  BpeModel model_;
  std::string special_;
  std::map<std::string, std::uint32_t> ids_;
};

const json& Reader::member(const json& object, const std::string& key, const std::string& where) const {
  if (!object.is_object() || !object.contains(key)) fail(fmt::format("{} has no \"{}\"", where, key));
  return object.at(key);
}

void Reader::require(const json& object, const std::string& key, const std::string& where, const json& expected,
                     bool may_be_absent) const {
  if (may_be_absent && object.is_object() && !object.contains(key)) return;
  const json& value = member(object, key, where);
  if (value != expected) {
    fail(fmt::format("{} \"{}\" is not supported unless it is {}: {}", where, key, expected.dump(),
                     value.dump().substr(0, 80)));
  }
}

void Reader::check_parts() const {
  for (const char* key : {"truncation", "padding", "normalizer"}) require(root_, key, "the file:", nullptr, true);
  require(root_, "version", "the file:", "1.0", false);
  const json& pre_tokenizer = member(root_, "pre_tokenizer", "the file");
  require(pre_tokenizer, "type", "pre_tokenizer", "ByteLevel", false);
  require(pre_tokenizer, "add_prefix_space", "pre_tokenizer", false, false);
  require(pre_tokenizer, "use_regex", "pre_tokenizer", true, true);
  require(member(root_, "decoder", "the file"), "type", "decoder", "ByteLevel", false);
  // A ByteLevel post-processor moves offsets only; any other adds tokens.
  if (root_.contains("post_processor") && !root_["post_processor"].is_null()) {
    require(root_["post_processor"], "type", "post_processor", "ByteLevel", false);
  }
  const json& model = member(root_, "model", "the file");
  require(model, "type", "model", "BPE", false);
  for (const char* key : {"dropout", "unk_token"}) require(model, key, "model", nullptr, true);
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    // The empty string means the same as null.
    if (model.contains(key) && model[key] != "") require(model, key, "model", nullptr, true);
  }
  for (const char* key : {"fuse_unk", "byte_fallback", "ignore_merges"}) require(model, key, "model", false, true);
}

void Reader::read_special_token() {
  const json& added = member(root_, "added_tokens", "the file");
  if (!added.is_array() || added.size() != 1) {
    fail(fmt::format("exactly one added token is supported, the end of text; found: {}",
                     added.is_array() ? added.size() : 0));
  }
  const json& token = added[0];
  require(token, "special", "the added token", true, false);
  for (const char* key : {"single_word", "lstrip", "rstrip"}) require(token, key, "the added token", false, true);
  const json& id = member(token, "id", "the added token");
  const json& content = member(token, "content", "the added token");
  if (!id.is_number_unsigned() || !content.is_string())
    fail("the added token needs a number \"id\" and a text \"content\"");
  special_ = content.get<std::string>();
  model_.end_of_text = id.get<std::uint32_t>();
}

void Reader::read_vocabulary(const json& vocabulary) {
  if (!vocabulary.is_object()) fail("model \"vocab\" is not an object");
  model_.pieces.resize(vocabulary.size());
  std::vector<bool> seen(vocabulary.size());
  for (const auto& [symbols, id] : vocabulary.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= vocabulary.size() || seen[id.get<std::size_t>()]) {
      fail(fmt::format("ids are not 0 to {} once each: {} of \"{}\"", vocabulary.size() - 1, id.dump(), symbols));
    }
    const auto index = id.get<std::uint32_t>();
    seen[index] = true;
    if (symbols == special_) {
      if (index != model_.end_of_text) fail(fmt::format("the added token has two ids: {}", index));
      model_.pieces[index] = symbols;
      continue;
    }
    if (symbols.empty() || !symbols_to_bytes(symbols, model_.pieces[index])) {
      fail(fmt::format("a piece is not written in the byte-level alphabet: \"{}\"", symbols));
    }
    ids_[symbols] = index;
  }
  if (!vocabulary.contains(special_)) fail(fmt::format("the added token is not in the vocabulary: \"{}\"", special_));
}

void Reader::read_bytes() {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto entry = ids_.find(bytes_to_symbols(std::string(1, static_cast<char>(byte))));
    if (entry == ids_.end()) fail(fmt::format("the vocabulary has no piece for byte 0x{:02x}", byte));
    model_.byte_ids[byte] = entry->second;
  }
}

std::pair<std::string, std::string> Reader::split_merge(const json& merge, std::size_t rank) const {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  if (merge.is_string()) {  // how the reference wrote them before version 0.20
    const auto text = merge.get<std::string>();
    const std::size_t space = text.find(' ');
    if (space != std::string::npos) return {text.substr(0, space), text.substr(space + 1)};
  }
  fail(fmt::format("merge {} is not a pair of pieces: {}", rank, merge.dump().substr(0, 80)));
}

std::uint32_t Reader::id_of(const std::string& symbols, std::size_t rank) const {
  const auto entry = ids_.find(symbols);
  if (entry == ids_.end())
    fail(fmt::format("merge {} names a piece that is not in the vocabulary: \"{}\"", rank, symbols));
  return entry->second;
}

void Reader::read_merges(const json& merges) {
  if (!merges.is_array()) fail("model \"merges\" is not a list");
  std::map<std::uint64_t, std::size_t> ranks;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto [left, right] = split_merge(merges[rank], rank);
    const BpeMerge merge{{id_of(left, rank), id_of(right, rank)}, id_of(left + right, rank)};
    if (!ranks.emplace(merge.pair.packed(), rank).second) {
      fail(fmt::format("merge {} repeats merge {}", rank, ranks[merge.pair.packed()]));
    }
    model_.merges.push_back(merge);
  }
}

BpeModel Reader::read() {
  if (!root_.is_object()) fail("the file is not a JSON object");
  check_parts();
  read_special_token();
  const json& model = root_["model"];
  read_vocabulary(member(model, "vocab", "model"));
  read_bytes();
  read_merges(member(model, "merges", "model"));
  return std::move(model_);
}

}  // namespace

std::string write_tokenizer_json(const BpeModel& model) {
  std::string text = fmt::format(kHead, model.end_of_text, json_string(model.pieces[model.end_of_text]));
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

BpeModel read_tokenizer_json(std::string_view text, const std::string& name) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::parse_error& error) {
    throw Error(ErrorKind::kData, fmt::format("tokenizer {}: not JSON: byte {}: {}", name, error.byte, error.what()),
                "the file may be cut short; copy it again");
  }
  return Reader(root, name).read();
}

}  // namespace reprise::data
