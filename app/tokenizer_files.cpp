// reprise tokenizer encode --tokenizer, decode --tokenizer, train

#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

#include "reprise/configs/pre_tokenizer_names.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/inputs.h"
#include "reprise/data_pipeline/sentencepiece.h"
#include "reprise/data_pipeline/token_file.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "run_flags.h"
#include "tokenizer_verbs.h"

namespace reprise::app {
namespace {

using data::TokenId;

struct TrainFlags {
  std::vector<std::string> files;
  std::string out;
  std::string pre_tokenizer = "gpt2";
  std::string end_of_text = "<|endoftext|>";
  std::uint32_t vocab_size = 0;
  std::uint32_t min_frequency = 2;
  int num_threads = 1;
};

bool is_sentencepiece(const std::filesystem::path& path) { return path.extension() == ".model"; }

void write_text(const std::string& text, const std::string& out) {
  if (!out.empty()) return write_file_atomically(out, text);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void train(const TrainFlags& flags) {
  configs::TokenizerRecipe recipe;
  recipe.set_vocab_size(flags.vocab_size);
  recipe.set_pre_tokenizer(flags.pre_tokenizer);
  recipe.set_end_of_text(flags.end_of_text);
  recipe.set_min_frequency(flags.min_frequency);
  const data::TextSource texts = [&](const std::function<void(std::string_view)>& visit) {
    for (const std::string& file : flags.files) data::for_each_text(file, visit);
  };
  const data::Tokenizer tokenizer = data::train_tokenizer(recipe, texts, flags.num_threads, no_progress());
  write_file_atomically(flags.out, tokenizer.json());
  fmt::print("entries      {}\nsha256       {}\n", tokenizer.vocab_size(), tokenizer.digest().hex());
}

}  // namespace

std::filesystem::path tokenizer_path(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return path;
  for (const std::filesystem::path& file : {path / "tokenizer" / "tokenizer.json", path / "tokenizer.json"}) {
    if (std::filesystem::exists(file)) return file;
  }
  throw Error(ErrorKind::kIo, fmt::format("no tokenizer.json in {}, nor in its tokenizer/", path.string()),
              "name a run whose tokenizer is built, a folder of `reprise checkpoint export`, or a tokenizer.json");
}

void encode_file(const TokenizerFileFlags& flags) {
  data::require_one_text(flags.input);
  const std::filesystem::path path = tokenizer_path(flags.tokenizer);
  std::uint64_t num_ids = 0;
  if (is_sentencepiece(path)) {
    const std::vector<TokenId> ids = data::SentencePieceModel::load(path).encode(read_file(flags.input));
    data::write_token_file(flags.out, ids);
    num_ids = ids.size();
  } else {
    const data::EncodeOptions options{.special_tokens = !flags.as_text, .num_threads = flags.num_threads};
    num_ids = data::encode_text_file(data::Tokenizer::load(path), flags.input, options, flags.out);
  }
  fmt::print("ids          {}\n", num_ids);
}

void decode_file(const TokenizerFileFlags& flags) {
  const std::filesystem::path path = tokenizer_path(flags.tokenizer);
  const std::vector<TokenId> ids = data::read_token_file(flags.input);
  const bool sentencepiece = is_sentencepiece(path);
  write_text(sentencepiece ? data::SentencePieceModel::load(path).decode(ids) : data::Tokenizer::load(path).decode(ids),
             flags.out);
}

void add_tokenizer_train_verb(CLI::App& tokenizer) {
  const auto flags = std::make_shared<TrainFlags>();
  CLI::App* action = tokenizer.add_subcommand("train", "Train byte-level BPE on files and write a tokenizer.json");
  action
      ->add_option("FILE", flags->files,
                   "Text files, each one text, or JSON lines (.jsonl, .ndjson, .json); .gz or .zst may stand behind")
      ->required();
  action->add_option("--vocab-size", flags->vocab_size, "Entries, the 256 bytes and the special token included")
      ->required();
  action->add_option("--out", flags->out, "The tokenizer.json to write")->required();
  action->add_option("--pre-tokenizer", flags->pre_tokenizer, "One of: " + configs::pre_tokenizer_list())
      ->capture_default_str();
  action->add_option("--end-of-text", flags->end_of_text, "Special token with id 0")->capture_default_str();
  action->add_option("--min-frequency", flags->min_frequency, "A merge needs at least this many occurrences")
      ->capture_default_str();
  add_threads_flag(*action, flags->num_threads, "Threads that count words; the file is the same for any number")
      ->capture_default_str();
  action->footer(
      "Example:\n  reprise tokenizer train a.txt b.txt --vocab-size 8192 --pre-tokenizer cl100k --out t.json");
  action->callback([flags] { train(*flags); });
}

}  // namespace reprise::app
