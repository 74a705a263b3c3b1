#pragma once
// What the tests of tokenizer and shards share: known answers, corpus texts, small tokenizers, temporary folders.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

/// tokenizer_vectors.json: made by tests/peers/make_tokenizer_vectors.py with Hugging Face tokenizers 0.23.3.
const nlohmann::json& tokenizer_vectors();

/// Texts of corpora/tiny, files by name, lines in order.
const std::vector<std::string>& corpus_texts();

configs::TokenizerRecipe tokenizer_recipe(std::uint32_t vocab_size, std::uint32_t min_frequency);

Tokenizer train_on(const std::vector<std::string>& texts, std::uint32_t vocab_size, std::uint32_t min_frequency,
                   int num_threads = 1);

/// The tokenizer "small" of the vectors.
const Tokenizer& small_tokenizer();

/// Random well-formed UTF-8 of `num_characters`, rich in spaces, apostrophes, digits and every plane.
std::string random_text(std::mt19937_64& random, std::size_t num_characters);

/// Random bytes, most of them pieces of UTF-8 sequences.
std::string random_bytes(std::mt19937_64& random, std::size_t num_bytes);

/// A folder that is removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace reprise::data
