#include "untrained_run.h"

#include <fmt/core.h>
#include <unistd.h>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.h"
#include "reprise/core/files.h"
#include "reprise/core/philox.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/model/schema.h"

namespace reprise::eval {
namespace {

constexpr char kConfig[] = R"(
recipe {
  name: "eval_test"
  seed: 5
  data { file { path: "none.jsonl" sha256: "0000000000000000000000000000000000000000000000000000000000000000" } }
  tokenizer { vocab_size: 300 }
  model { hidden_size: 32 num_layers: 1 num_heads: 2 ffn_size: 48 }
  train {
    sequence_length: 16 batch_sequences: 2 grain_sequences: 2 num_steps: 4
    learning_rate { peak: 3e-3 }
    checkpoints { interval: 4 anchor_interval: 4 }
  }
  eval { num_checkpoints: 3 pairs_per_phenomenon: 1 }
}
)";

void write_step(const std::filesystem::path& run, const configs::Recipe& recipe, std::uint64_t step,
                std::uint64_t seed) {
  const TensorLayout layout = model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(), false);
  std::vector<float> weights(static_cast<std::size_t>(layout.num_elements()));
  model::initialize_parameters(layout, recipe.model(), seed, weights);
  const std::vector<float> moments(weights.size(), 0.0f);
  const ChunkRange all{0, layout.num_chunks()};
  const checkpoints::StateDigests digests{chunk_digests(layout, all, weights), chunk_digests(layout, all, moments),
                                          chunk_digests(layout, all, moments)};
  checkpoints::Header header;
  header.step = step;
  header.recipe_hash = configs::recipe_hash(recipe);
  header.data_root = data::TokenSet::open(run / "shards", "train").root();
  const auto communicator = dist::make_local_communicator();
  checkpoints::write_checkpoint(run / "checkpoints", checkpoints::FileKind::kScheduled, header, layout, digests,
                                {all, weights, moments, moments, false}, *communicator);
}

}  // namespace

data::Document document_of(std::uint32_t index) {
  static const char* const kWords[] = {"the", "old", "king", "took", "a", "sword", "and", "went", "to", "battle"};
  data::Document document;
  document.id = fmt::format("document-{:03}", index);
  document.source = "synthetic";
  document.kind = "natural";
  document.language = index % 3 == 0 ? "es" : "en";
  document.source_file = "none.jsonl";
  document.source_line = index + 1;
  for (std::uint32_t i = 0; i < 40 + index; ++i) {
    const PhiloxCounter words = philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), index, i, 0}, {8, 0});
    if (i > 0) document.text += ' ';
    document.text += kWords[words[0] % 10];
  }
  return document;
}

void write_part(const std::filesystem::path& run, const std::string& stem, const std::vector<data::Document>& documents,
                const data::Tokenizer& tokenizer) {
  std::vector<const data::Document*> pointers;
  for (const data::Document& document : documents) pointers.push_back(&document);
  const std::filesystem::path path = run / "data" / (stem + ".jsonl.zst");
  data::write_documents(path, pointers);
  data::write_shards(path, tokenizer, run / "shards", stem, 1, no_progress());
}

std::filesystem::path* UntrainedRunTest::run_ = nullptr;
configs::Recipe* UntrainedRunTest::recipe_ = nullptr;

void UntrainedRunTest::SetUpTestSuite() {
  run_ =
      new std::filesystem::path(std::filesystem::temp_directory_path() / fmt::format("reprise-evaluate-{}", getpid()));
  recipe_ = new configs::Recipe(configs::parse_config(kConfig, "eval_test").recipe());
  for (const char* name : {"data", "tokenizer", "shards", "checkpoints"}) make_folders(*run_ / name);
  std::vector<data::Document> train, held_out;
  for (std::uint32_t i = 0; i < 40; ++i) (i < 34 ? train : held_out).push_back(document_of(i));
  const data::TextSource texts = [&](const std::function<void(std::string_view)>& visit) {
    for (const data::Document& document : train) visit(document.text);
  };
  const data::Tokenizer tokenizer = data::train_tokenizer(
      configs::resolve(configs::parse_config(kConfig, "eval_test")).recipe().tokenizer(), texts, 1, no_progress());
  write_file_atomically(*run_ / "tokenizer" / "tokenizer.json", tokenizer.json());
  write_part(*run_, "train", train, tokenizer);
  write_part(*run_, "held_out", held_out, tokenizer);
  for (const std::uint64_t step : {0, 2, 4}) write_step(*run_, *recipe_, step, 100 + step);
}

void UntrainedRunTest::TearDownTestSuite() {
  std::filesystem::remove_all(*run_);
  delete run_;
  delete recipe_;
}

EvalOptions UntrainedRunTest::options(int num_threads, std::vector<std::uint64_t> steps) {
  EvalOptions options;
  options.run_dir = *run_;
  options.num_threads = num_threads;
  options.steps = std::move(steps);
  return options;
}

}  // namespace reprise::eval
