// reprise tokenizer encode|decode|show

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::app {
namespace {

using data::TokenId;
using data::Tokenizer;
using nlohmann::ordered_json;

constexpr std::size_t kSamplePieces = 12;

struct TokenizerFlags {
  std::string path;
  std::string text;
  bool has_text = false;
  std::vector<std::string> ids;
  bool as_json = false;
};

/// `path` is a tokenizer.json or a run that has one.
Tokenizer load(const std::filesystem::path& path) {
  return Tokenizer::load(std::filesystem::is_directory(path) ? path / "tokenizer" / "tokenizer.json" : path);
}

std::string read_standard_input() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

/// A piece may be a part of a character; what is no text is shown as U+FFFD.
std::string dump(const ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string piece_of(const Tokenizer& tokenizer, TokenId id) {
  return id == tokenizer.end_of_text() ? "(end of text)" : tokenizer.decode(std::vector<TokenId>{id});
}

void encode(const TokenizerFlags& flags) {
  const Tokenizer tokenizer = load(flags.path);
  const std::vector<TokenId> ids = tokenizer.encode(flags.has_text ? flags.text : read_standard_input());
  if (flags.as_json) {
    ordered_json json{{"ids", ids}, {"pieces", ordered_json::array()}};
    for (const TokenId id : ids) json["pieces"].push_back(piece_of(tokenizer, id));
    fmt::print("{}\n", dump(json));
    return;
  }
  std::string line;
  for (const TokenId id : ids) line += (line.empty() ? "" : " ") + std::to_string(id);
  fmt::print("{}\n", line);
}

TokenId parse_id(const std::string& word) {
  TokenId id = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
  REPRISE_REQUIRE(error == std::errc() && end == word.data() + word.size(), ErrorKind::kUsage,
                  fmt::format("not a token id: \"{}\"", word), "give numbers separated by spaces");
  return id;
}

void decode(const TokenizerFlags& flags) {
  const Tokenizer tokenizer = load(flags.path);
  std::vector<TokenId> ids;
  if (flags.ids.empty()) {
    for (auto word = std::istream_iterator<std::string>(std::cin); word != std::istream_iterator<std::string>();
         ++word) {
      ids.push_back(parse_id(*word));
    }
  } else {
    for (const std::string& word : flags.ids) ids.push_back(parse_id(word));
  }
  const std::string text = tokenizer.decode(ids);
  if (flags.as_json) {
    fmt::print("{}\n", dump({{"text", text}}));
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
}

/// Ids at even distances over what was learnt, and the last one.
std::vector<TokenId> sample_ids(const Tokenizer& tokenizer) {
  constexpr TokenId kFirstLearnt = 257;
  const auto size = static_cast<TokenId>(tokenizer.vocab_size());
  const TokenId stride = std::max<TokenId>(1, (size - kFirstLearnt) / static_cast<TokenId>(kSamplePieces));
  std::vector<TokenId> ids;
  for (TokenId id = kFirstLearnt; id < size; id += stride) ids.push_back(id);
  return ids;
}

void show(const TokenizerFlags& flags) {
  const Tokenizer tokenizer = load(flags.path);
  ordered_json pieces = ordered_json::object();
  for (const TokenId id : sample_ids(tokenizer)) pieces[std::to_string(id)] = piece_of(tokenizer, id);
  if (flags.as_json) {
    fmt::print("{}\n", dump({{"vocab_size", tokenizer.vocab_size()},
                             {"end_of_text", tokenizer.end_of_text()},
                             {"sha256", tokenizer.digest().hex()},
                             {"sample", pieces}}));
    return;
  }
  fmt::print("entries      {}\nend of text  {}\nsha256       {}\npieces\n", tokenizer.vocab_size(),
             tokenizer.end_of_text(), tokenizer.digest().hex());
  for (const auto& [id, piece] : pieces.items()) fmt::print("  {:>6}  {}\n", id, dump(piece));
}

}  // namespace

void add_tokenizer_command(CLI::App& app, Context&) {
  const auto flags = std::make_shared<TokenizerFlags>();
  CLI::App* verb = app.add_subcommand("tokenizer", "Encode and decode text, show a tokenizer");
  verb->require_subcommand(1);
  verb->footer(
      "Examples:\n"
      "  reprise tokenizer show runs/tiny\n"
      "  reprise tokenizer encode runs/tiny \"The cat sat.\"\n"
      "  reprise tokenizer encode runs/tiny < text.txt | reprise tokenizer decode runs/tiny");
  const auto add = [&](const char* name, const char* what) {
    CLI::App* action = verb->add_subcommand(name, what);
    action->add_option("TOKENIZER", flags->path, "A run, or a tokenizer.json")->required();
    action->add_flag("--json", flags->as_json, "Answer as JSON");
    return action;
  };
  CLI::App* encode_action = add("encode", "Print the ids of a text");
  CLI::Option* text =
      encode_action->add_option("TEXT", flags->text, "The text; left out: standard input, to its last byte");
  encode_action->footer("Example:\n  reprise tokenizer encode runs/tiny \"The cat sat.\" --json");
  encode_action->callback([flags, text] {
    flags->has_text = text->count() > 0;
    encode(*flags);
  });
  CLI::App* decode_action = add("decode", "Print the text of ids, exactly (no line feed is added)");
  decode_action->add_option("IDS", flags->ids, "The ids; left out: standard input, separated by white space");
  decode_action->footer("Example:\n  reprise tokenizer decode runs/tiny 464 3797");
  decode_action->callback([flags] { decode(*flags); });
  CLI::App* show_action = add("show", "Print size, hash and some pieces");
  show_action->footer("Example:\n  reprise tokenizer show runs/tiny/tokenizer/tokenizer.json");
  show_action->callback([flags] { show(*flags); });
}

}  // namespace reprise::app
