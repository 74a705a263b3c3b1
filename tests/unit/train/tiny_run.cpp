#include "tiny_run.h"

#include <fmt/core.h>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.h"
#include "reprise/core/files.h"
#include "reprise/core/philox.h"
#include "reprise/core/stop.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::train {
namespace {

constexpr char kConfig[] = R"(
recipe {
  name: "tiny_test"
  seed: 11
  data { file { path: "none.jsonl" sha256: "0000000000000000000000000000000000000000000000000000000000000000" } }
  tokenizer { vocab_size: 300 }
  model { hidden_size: 32 num_layers: 1 num_heads: 2 ffn_size: 48 }
  train {
    sequence_length: 16
    batch_sequences: 10
    grain_sequences: 2
    num_steps: 12
    learning_rate { peak: 3e-3 warmup_steps: 3 }
    checkpoints { interval: 3 anchor_interval: 6 }
  }
}
)";

data::Document document_of(std::uint32_t index) {
  static const char* const kWords[] = {"the", "a", "small", "model", "learns", "to", "count", "and", "repeat", "words"};
  data::Document document;
  document.id = fmt::format("document-{:03}", index);
  document.source = "synthetic";
  document.kind = "natural";
  document.language = "en";
  document.source_file = "none.jsonl";
  document.source_line = index + 1;
  for (std::uint32_t i = 0; i < 60; ++i) {
    const PhiloxCounter words = philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), index, i, 0}, {3, 0});
    if (i > 0) document.text += ' ';
    document.text += kWords[words[0] % 10];
  }
  return document;
}

}  // namespace

configs::RunConfig tiny_config(const std::vector<std::string>& overrides) {
  return configs::parse_config(kConfig, "tiny_test", overrides);
}

void make_tiny_data(const std::filesystem::path& folder) {
  std::vector<data::Document> documents;
  for (std::uint32_t i = 0; i < 40; ++i) documents.push_back(document_of(i));
  std::vector<const data::Document*> pointers;
  for (const data::Document& document : documents) pointers.push_back(&document);
  for (const char* name : {"data", "tokenizer", "shards"}) make_folders(folder / name);
  data::write_documents(folder / "data" / "train.jsonl.zst", pointers);
  const data::TextSource texts = [&](const std::function<void(std::string_view)>& visit) {
    for (const data::Document& document : documents) visit(document.text);
  };
  const data::Tokenizer tokenizer =
      data::train_tokenizer(configs::resolve(tiny_config()).recipe().tokenizer(), texts, 1, no_progress());
  write_file_atomically(folder / "tokenizer" / "tokenizer.json", tokenizer.json());
  data::write_shards(folder / "data" / "train.jsonl.zst", tokenizer, folder / "shards", "train", 1, no_progress());
}

void add_held_out(const std::filesystem::path& folder) {
  const data::Tokenizer tokenizer = data::Tokenizer::load(folder / "tokenizer" / "tokenizer.json");
  data::write_shards(folder / "data" / "train.jsonl.zst", tokenizer, folder / "shards", "held_out", 1, no_progress());
}

TrainSummary train_tiny(const std::filesystem::path& folder, int num_threads, bool resume,
                        const configs::RunConfig& config, ProgressSink* progress) {
  TrainOptions options;
  options.run_dir = folder;
  options.num_threads = num_threads;
  options.resume = resume;
  options.program = {"1.2.3", "abc", {"train_tiny"}};
  const auto communicator = dist::make_local_communicator();
  return train(config, options, *communicator, progress == nullptr ? no_progress() : *progress);
}

std::vector<std::string> roots_in(const std::filesystem::path& folder) {
  std::vector<std::string> roots;
  for (const checkpoints::CheckpointInfo& info : checkpoints::list_checkpoints(folder / "checkpoints")) {
    if (info.kind != checkpoints::FileKind::kScheduled) continue;
    roots.push_back(fmt::format("{} {}", info.header.step, info.root.hex()));
  }
  return roots;
}

void StopAt::update(std::int64_t done, std::string_view) {
  if (done == step_) request_stop(signal_number_);
}

}  // namespace reprise::train
