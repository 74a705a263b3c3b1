// The model and the added tokens of a tokenizer.json.

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "reprise/core/error.h"
#include "reprise/core/parse_json.h"
#include "tokenizer_json.h"

namespace reprise::data {
namespace {

using nlohmann::json;

/// Ids may leave gaps, but memory is by the largest id.
constexpr std::uint64_t kLargestGap = 1 << 20;

/// How published tokenizers call the token that ends a document, where they have several special tokens.
constexpr const char* kEndsOfText[] = {"<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>"};

class Reader {
 public:
  explicit Reader(const JsonPart& root) : root_(root) {}
  TokenizerParts read();

 private:
  void read_options(const JsonPart& model);
  void read_added_tokens();
  void read_added_token(const JsonPart& part);
  std::uint32_t expected_id(const std::string& content) const;
  void choose_end_of_text();
  void read_vocabulary(const JsonPart& vocabulary);
  void check_alphabet();
  void read_byte_ids();
  void read_merges(const JsonPart& merges);
  std::uint32_t id_of(const std::string& symbols, std::size_t rank) const;
  std::pair<std::string, std::string> split_merge(const json& merge, std::size_t rank) const;

  const JsonPart& root_;
  TokenizerParts parts_;
  std::unordered_map<std::string, std::uint32_t> ids_;  // as the file spells the pieces
};

void Reader::read_options(const JsonPart& model) {
  if (model.has("type") && model.text("type") != "BPE") model.member("type").refuse("is not supported");
  if (model.has("dropout") && model.member("dropout").value() != 0) model.member("dropout").refuse("is not supported");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    // The empty string means the same as null.
    if (model.has(key) && !model.text(key).empty()) model.member(key).refuse("is not supported");
  }
  parts_.bpe.ignore_merges = model.flag("ignore_merges", false);
  parts_.bpe.byte_fallback = model.flag("byte_fallback", false);
  parts_.bpe.fuse_unknown = model.flag("fuse_unk", false);
}

void Reader::read_vocabulary(const JsonPart& vocabulary) {
  if (!vocabulary.value().is_object()) vocabulary.refuse("is not an object");
  const std::uint64_t limit = vocabulary.value().size() + kLargestGap;
  std::vector<std::string>& pieces = parts_.bpe.pieces;
  ids_.reserve(vocabulary.value().size());
  for (const auto& [symbols, id] : vocabulary.value().items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= limit) {
      vocabulary.fail(fmt::format("an id is not a number below {}: {} of \"{}\"", limit, id.dump(), symbols));
    }
    const auto index = id.get<std::uint32_t>();
    if (index >= pieces.size()) pieces.resize(index + 1);
    if (symbols.empty()) vocabulary.fail(fmt::format("a piece is empty: id {}", index));
    if (!pieces[index].empty()) {
      vocabulary.fail(
          fmt::format("ids are not there once each: {} of \"{}\" and of \"{}\"", index, pieces[index], symbols));
    }
    pieces[index] = symbols;
    ids_.emplace(symbols, index);
  }
}

/// The id that the reference gives: of an equal piece, else the next one after all before.
std::uint32_t Reader::expected_id(const std::string& content) const {
  if (const auto entry = ids_.find(content); entry != ids_.end()) return entry->second;
  std::uint64_t next = ids_.size();
  for (const AddedToken& token : parts_.added_tokens) next = std::max<std::uint64_t>(next, std::uint64_t{token.id} + 1);
  return static_cast<std::uint32_t>(next);
}

void Reader::read_added_token(const JsonPart& part) {
  AddedToken token;
  token.content = part.text("content");
  token.id = part.member("id").number();
  token.special = part.flag("special", false);
  token.single_word = part.flag("single_word", false);
  token.lstrip = part.flag("lstrip", false);
  token.rstrip = part.flag("rstrip", false);
  token.normalized = part.flag("normalized", !token.special);
  if (token.content.empty()) part.refuse("has no content");
  for (const AddedToken& other : parts_.added_tokens) {
    if (other.content == token.content) part.refuse("repeats an added token");
  }
  if (const std::uint32_t expected = expected_id(token.content); token.id != expected) {
    part.refuse(fmt::format("has another id than the reference gives it, {}", expected));
  }
  parts_.added_tokens.push_back(std::move(token));
}

void Reader::read_added_tokens() {
  if (!root_.has("added_tokens")) return;
  for (const JsonPart& part : root_.member("added_tokens").elements()) read_added_token(part);
}

void Reader::choose_end_of_text() {
  parts_.bpe.end_of_text = kNoId;
  std::vector<const AddedToken*> special;
  for (const AddedToken& token : parts_.added_tokens) {
    if (token.special) special.push_back(&token);
  }
  if (special.size() == 1) parts_.bpe.end_of_text = special[0]->id;
  for (const char* name : kEndsOfText) {
    for (const AddedToken* token : special) {
      if (parts_.bpe.end_of_text == kNoId && token->content == name) parts_.bpe.end_of_text = token->id;
    }
  }
}

/// Byte level: pieces become their bytes. An added token may have any spelling; no text becomes it through merges.
void Reader::check_alphabet() {
  std::vector<bool> added(parts_.bpe.pieces.size());
  for (const AddedToken& token : parts_.added_tokens) {
    if (token.id < added.size()) added[token.id] = true;
  }
  std::string bytes;
  for (std::size_t id = 0; id < added.size(); ++id) {
    std::string& piece = parts_.bpe.pieces[id];
    if (piece.empty()) continue;
    if (symbols_to_bytes(piece, bytes)) {
      piece.swap(bytes);
    } else if (!added[id]) {
      root_.fail(fmt::format("a piece is not written in the byte-level alphabet: \"{}\"", piece));
    }
  }
}

void Reader::read_byte_ids() {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool level = parts_.bpe.byte_level;
    const std::string piece =
        level ? bytes_to_symbols(std::string(1, static_cast<char>(byte))) : fmt::format("<0x{:02X}>", byte);
    const auto entry = ids_.find(piece);
    if (level && entry == ids_.end()) root_.fail(fmt::format("the vocabulary has no piece for byte 0x{:02x}", byte));
    parts_.bpe.byte_ids[byte] = entry == ids_.end() ? kNoId : entry->second;
  }
}

std::pair<std::string, std::string> Reader::split_merge(const json& merge, std::size_t rank) const {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  if (merge.is_string()) {  // how the reference wrote them before version 0.20
    const auto text = merge.get<std::string>();
    const std::size_t space = text.find(' ');
    if (space != std::string::npos && space == text.rfind(' ')) return {text.substr(0, space), text.substr(space + 1)};
  }
  root_.fail(fmt::format("merge {} is not a pair of pieces: {}", rank, merge.dump().substr(0, 80)));
}

std::uint32_t Reader::id_of(const std::string& symbols, std::size_t rank) const {
  const auto entry = ids_.find(symbols);
  if (entry == ids_.end()) {
    root_.fail(fmt::format("merge {} names a piece that is not in the vocabulary: \"{}\"", rank, symbols));
  }
  return entry->second;
}

void Reader::read_merges(const JsonPart& merges) {
  if (!merges.value().is_array()) merges.refuse("is not a list");
  std::unordered_map<std::uint64_t, std::size_t> ranks;
  for (std::size_t rank = 0; rank < merges.value().size(); ++rank) {
    const auto [left, right] = split_merge(merges.value()[rank], rank);
    const BpeMerge merge{{id_of(left, rank), id_of(right, rank)}, id_of(left + right, rank)};
    const auto [entry, is_new] = ranks.emplace(merge.pair.packed(), rank);
    if (!is_new) merges.fail(fmt::format("merge {} repeats merge {}", rank, entry->second));
    parts_.bpe.merges.push_back(merge);
  }
}

TokenizerParts Reader::read() {
  if (!root_.value().is_object()) root_.fail("the file is not a JSON object");
  for (const char* key : {"truncation", "padding"}) {
    if (root_.has(key)) root_.member(key).refuse("is not supported");
  }
  if (root_.text("version") != "1.0") root_.member("version").refuse("is not supported");
  const JsonPart model = root_.member("model");
  read_options(model);
  parts_.splits = read_pre_tokenizer(root_.member("pre_tokenizer"), parts_.bpe.byte_level);
  if (root_.has("normalizer")) parts_.normaliser = read_normaliser(root_.member("normalizer"));
  if (root_.has("decoder")) parts_.decoder = read_decoder(root_.member("decoder"));
  if (root_.has("post_processor")) read_post_processor(root_.member("post_processor"), parts_);
  read_vocabulary(model.member("vocab"));
  read_byte_ids();
  read_merges(model.member("merges"));
  // At byte level every byte is a piece, and nothing is unknown.
  if (model.has("unk_token") && !parts_.bpe.byte_level) {
    const JsonPart unknown = model.member("unk_token");
    const auto entry = ids_.find(unknown.text());
    if (entry == ids_.end()) unknown.refuse("is not in the vocabulary");
    parts_.bpe.unknown = entry->second;
  }
  read_added_tokens();
  choose_end_of_text();
  if (parts_.bpe.byte_level) check_alphabet();
  return std::move(parts_);
}

}  // namespace

TokenizerParts read_tokenizer_json(std::string_view text, const std::string& name) {
  json root;
  try {
    root = parse_json<json>(text);
  } catch (const json::parse_error& error) {
    throw Error(ErrorKind::kData, fmt::format("tokenizer {}: not JSON: byte {}: {}", name, error.byte, error.what()),
                "the file may be cut short; copy it again");
  }
  const JsonPart part(name, "", root);
  return Reader(part).read();
}

}  // namespace reprise::data
