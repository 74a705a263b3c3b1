// reprise tokenizer encode|decode|train|show

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
#include "json_text.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "run_flags.h"
#include "tokenizer_verbs.h"

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
  TokenizerFileFlags files;
};

std::string read_standard_input() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

std::string piece_of(const Tokenizer& tokenizer, TokenId id) {
  const bool ends_text = tokenizer.has_end_of_text() && id == tokenizer.end_of_text();
  return ends_text ? "(end of text)" : tokenizer.decode(std::vector<TokenId>{id});
}

void encode(const TokenizerFlags& flags) {
  const Tokenizer tokenizer = Tokenizer::load(tokenizer_path(flags.path));
  const std::vector<TokenId> ids = tokenizer.encode(flags.has_text ? flags.text : read_standard_input());
  if (flags.as_json) {
    ordered_json json{{"ids", ids}, {"pieces", ordered_json::array()}};
    for (const TokenId id : ids) json["pieces"].push_back(piece_of(tokenizer, id));
    fmt::print("{}\n", json_text(json, -1));
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
  const Tokenizer tokenizer = Tokenizer::load(tokenizer_path(flags.path));
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
    fmt::print("{}\n", json_text({{"text", text}}, -1));
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
  const Tokenizer tokenizer = Tokenizer::load(tokenizer_path(flags.path));
  ordered_json pieces = ordered_json::object();
  for (const TokenId id : sample_ids(tokenizer)) pieces[std::to_string(id)] = piece_of(tokenizer, id);
  if (flags.as_json) {
    const ordered_json end_of_text = tokenizer.has_end_of_text() ? ordered_json(tokenizer.end_of_text()) : nullptr;
    fmt::print("{}\n", json_text({{"vocab_size", tokenizer.vocab_size()},
                                  {"end_of_text", end_of_text},
                                  {"sha256", tokenizer.digest().hex()},
                                  {"sample", pieces}},
                                 -1));
    return;
  }
  fmt::print("entries      {}\nend of text  {}\nsha256       {}\npieces\n", tokenizer.vocab_size(),
             tokenizer.has_end_of_text() ? std::to_string(tokenizer.end_of_text()) : "none", tokenizer.digest().hex());
  for (const auto& [id, piece] : pieces.items()) fmt::print("  {:>6}  {}\n", id, json_text(piece, -1));
}

/// The file form: `--tokenizer T FILE` in place of `T ...`.
void add_file_flags(CLI::App& action, TokenizerFileFlags& files, const char* out) {
  action.add_option(
      "--tokenizer", files.tokenizer,
      "Work on files: a run, a tokenizer.json or a SentencePiece .model; then FILE is the first argument");
  action.add_option("--out", files.out, out);
}

/// In the file form the first argument is the file.
bool takes_file(TokenizerFlags& flags, bool has_more) {
  if (flags.files.tokenizer.empty()) {
    REPRISE_REQUIRE(flags.files.out.empty(), ErrorKind::kUsage, "--out needs --tokenizer",
                    "give the tokenizer with --tokenizer and FILE as the one argument");
    return false;
  }
  REPRISE_REQUIRE(!has_more, ErrorKind::kUsage, "--tokenizer takes one FILE", "leave the other arguments out");
  flags.files.input = flags.path;
  return true;
}

void add_encode_verb(CLI::App& action, const std::shared_ptr<TokenizerFlags>& flags) {
  CLI::Option* text = action.add_option(
      "TEXT", flags->text, "The text, special tokens in it taken for text; left out: standard input, to its last byte");
  add_file_flags(action, flags->files, "The .npy file of ids to write; needs --tokenizer");
  add_threads_flag(action, flags->files.num_threads, "Threads of the file form; the ids are the same for any number");
  action.add_flag("--as-text", flags->files.as_text,
                  "File form: take special tokens in FILE for text and add none, as the shards of a run do");
  action.footer(
      "Examples:\n"
      "  reprise tokenizer encode runs/tiny \"The cat sat.\" --json\n"
      "  reprise tokenizer encode --tokenizer tokenizer.json FILE --out ids.npy --threads 2");
  action.callback([flags, text] {
    flags->has_text = text->count() > 0;
    if (!takes_file(*flags, flags->has_text)) return encode(*flags);
    REPRISE_REQUIRE(!flags->files.out.empty(), ErrorKind::kUsage, "--out is missing", "name a .npy file to write");
    encode_file(flags->files);
  });
}

void add_decode_verb(CLI::App& action, const std::shared_ptr<TokenizerFlags>& flags) {
  action.add_option("IDS", flags->ids, "The ids; left out: standard input, separated by white space");
  add_file_flags(action, flags->files, "The text file to write; left out: standard output; needs --tokenizer");
  action.footer(
      "Examples:\n"
      "  reprise tokenizer decode runs/tiny 464 3797\n"
      "  reprise tokenizer decode --tokenizer tokenizer.json ids.npy");
  action.callback([flags] {
    if (takes_file(*flags, !flags->ids.empty())) {
      decode_file(flags->files);
    } else {
      decode(*flags);
    }
  });
}

}  // namespace

void add_tokenizer_command(CLI::App& app, Context&) {
  const auto flags = std::make_shared<TokenizerFlags>();
  CLI::App* verb = app.add_subcommand("tokenizer", "Encode and decode text, train and show a tokenizer");
  verb->require_subcommand(1);
  verb->footer(
      "Examples:\n"
      "  reprise tokenizer show runs/tiny\n"
      "  reprise tokenizer encode runs/tiny \"The cat sat.\"\n"
      "  reprise tokenizer encode runs/tiny < text.txt | reprise tokenizer decode runs/tiny\n"
      "  reprise tokenizer encode --tokenizer tokenizer.json text.txt --out ids.npy");
  const auto add = [&](const char* name, const char* what) {
    CLI::App* action = verb->add_subcommand(name, what);
    action
        ->add_option("TOKENIZER", flags->path, "A run, an exported folder or a tokenizer.json; with --tokenizer: FILE")
        ->required();
    action->add_flag("--json", flags->as_json, "Answer as JSON");
    return action;
  };
  add_encode_verb(*add("encode", "Print the ids of a text, or write those of a file"), flags);
  add_decode_verb(*add("decode", "Print the text of ids, exactly (no line feed is added)"), flags);
  add_tokenizer_train_verb(*verb);
  CLI::App* show_action = add("show", "Print size, hash and some pieces");
  show_action->footer("Example:\n  reprise tokenizer show runs/tiny/tokenizer/tokenizer.json");
  show_action->callback([flags] { show(*flags); });
}

}  // namespace reprise::app
