#pragma once
// Verbs of `reprise tokenizer` that work on files.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>

namespace reprise::app {

/// Flags of the file forms of encode and decode.
struct TokenizerFileFlags {
  std::string tokenizer;  // a run, a tokenizer.json or a SentencePiece .model; empty: not the file form
  std::string input;
  std::string out;
  int num_threads = 1;
  bool as_text = false;
};

/// The tokenizer.json that `path` names: itself, or that of a run or of a folder as `checkpoint export` writes it.
/// Throws kIo for a folder without one.
std::filesystem::path tokenizer_path(const std::filesystem::path& path);

/// FILE to ids in a .npy file.
void encode_file(const TokenizerFileFlags& flags);

/// Ids of a .npy file to the text, on stdout or in `out`.
void decode_file(const TokenizerFileFlags& flags);

void add_tokenizer_train_verb(CLI::App& tokenizer);

}  // namespace reprise::app
