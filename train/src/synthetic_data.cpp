// Generated text for benchmarks: words of random letters, drawn with a skew like that of a language, so that a
// tokenizer of any size can be trained on it and batches touch the whole vocabulary.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reprise/configs/config.h"
#include "reprise/core/files.h"
#include "reprise/core/philox.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/train/step_benchmark.h"

namespace reprise::train {
namespace {

constexpr std::uint32_t kWordsPerDocument = 400;
constexpr PhiloxKey kKey = {2, 7};

PhiloxCounter draw(std::uint32_t what, std::uint32_t a, std::uint32_t b) {
  return philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), what, a, b}, kKey);
}

std::string word_of(std::uint32_t index) {
  const PhiloxCounter length_words = draw(1, index, 0);
  std::string word;
  for (std::uint32_t i = 0; i < 3 + length_words[0] % 5; ++i) word += static_cast<char>('a' + draw(2, index, i)[0] % 26);
  return word;
}

data::Document document_of(std::uint32_t index, const std::vector<std::string>& lexicon) {
  data::Document document;
  document.id = fmt::format("synthetic-{:06}", index);
  document.source = "synthetic";
  document.kind = "natural";
  document.language = "en";
  document.source_file = "synthetic.jsonl";
  document.source_line = index + 1;
  const auto size = static_cast<std::uint64_t>(lexicon.size());
  for (std::uint32_t i = 0; i < kWordsPerDocument; ++i) {
    const PhiloxCounter words = draw(3, index, i);
    // The smaller of two draws: low ranks come more often.
    const std::uint64_t rank = std::min(words[0] % size, words[1] % size);
    if (i > 0) document.text += ' ';
    document.text += lexicon[rank];
  }
  return document;
}

}  // namespace

configs::RunConfig benchmark_config(const StepShape& shape, std::uint32_t grain_sequences, std::uint32_t num_steps) {
  return configs::parse_config(
      fmt::format(R"(
recipe {{
  name: "bench"
  seed: 1
  data {{ file {{ path: "synthetic.jsonl" sha256: "{:064}" }} }}
  tokenizer {{ vocab_size: {} }}
  model {{ hidden_size: {} num_layers: {} num_heads: {} ffn_size: {} }}
  train {{
    sequence_length: {}
    batch_sequences: {}
    grain_sequences: {}
    num_steps: {}
    learning_rate {{ peak: 1e-3 }}
    checkpoints {{ interval: {} anchor_interval: {} }}
  }}
}}
)",
                  0, shape.vocab_size, shape.hidden_size, shape.num_layers, shape.num_heads, shape.ffn_size,
                  shape.sequence_length, shape.batch_sequences, grain_sequences, num_steps, 25, 25),
      "the benchmark's shape");
}

void make_synthetic_data(const configs::RunConfig& config, const std::filesystem::path& folder) {
  const configs::Recipe recipe = configs::resolve(config).recipe();
  const std::uint32_t vocab_size = recipe.tokenizer().vocab_size();
  std::vector<std::string> lexicon;
  for (std::uint32_t i = 0; i < vocab_size; ++i) lexicon.push_back(word_of(i));
  const std::uint64_t num_tokens = 2ull * recipe.train().batch_sequences() * recipe.train().sequence_length() + 1;
  // A word is at least a token. Every word should be seen a few times, for the tokenizer to learn it.
  const std::uint64_t num_words = std::max<std::uint64_t>(num_tokens, 16ull * vocab_size);
  std::vector<data::Document> documents;
  for (std::uint32_t i = 0; i * std::uint64_t{kWordsPerDocument} < num_words; ++i) {
    documents.push_back(document_of(i, lexicon));
  }
  std::vector<const data::Document*> pointers;
  for (const data::Document& document : documents) pointers.push_back(&document);
  for (const char* name : {"data", "tokenizer", "shards"}) make_folders(folder / name);
  data::write_documents(data::train_path(folder), pointers);
  const data::TextSource texts = [&](const std::function<void(std::string_view)>& visit) {
    for (const data::Document& document : documents) visit(document.text);
  };
  const data::Tokenizer tokenizer = data::train_tokenizer(recipe.tokenizer(), texts, 1, no_progress());
  write_file_atomically(folder / "tokenizer" / "tokenizer.json", tokenizer.json());
  data::write_shards(data::train_path(folder), tokenizer, folder / "shards", "train", 1, no_progress());
}

}  // namespace reprise::train
