#include <fmt/core.h>

#include <chrono>

#include "reprise/audit/reproduce.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "stopwatch.h"

namespace reprise::audit {
namespace {

using Say = std::function<void(const std::string&)>;

data::CorpusResult build_documents(const configs::RunConfig& config, const std::filesystem::path& run_dir,
                                   bool accept_changed_corpus, const Say& say, ProgressSink& progress) {
  data::BuildOptions options;
  options.corpus_dir = config.runtime().corpus_dir();
  options.output_dir = run_dir;
  options.accept_changed_corpus = accept_changed_corpus;
  data::CorpusResult result = data::build_corpus(config.recipe().data(), options, progress);
  for (const std::string& file : result.mismatched_files) {
    say(fmt::format("warning: {} is not the file the recipe names (its SHA-256 differs); going on, the root will differ",
                    file));
  }
  return result;
}

data::Tokenizer train_and_save_tokenizer(const configs::Recipe& recipe, const std::filesystem::path& run_dir,
                                         int num_threads, ProgressSink& progress) {
  const auto texts = [&](const std::function<void(std::string_view)>& visit) {
    data::for_each_document(run_dir / "data" / "train.jsonl.zst",
                            [&](const data::Document& document) { visit(document.text); });
  };
  data::Tokenizer tokenizer = data::train_tokenizer(recipe.tokenizer(), texts, num_threads, progress);
  make_folders(run_dir / "tokenizer");
  write_file_atomically(run_dir / "tokenizer" / "tokenizer.json", tokenizer.json());
  return tokenizer;
}

}  // namespace

std::vector<Phase> prepare_data(const configs::RunConfig& config, const std::filesystem::path& run_dir, int num_threads,
                                bool accept_changed_corpus, const Say& say, ProgressSink& progress) {
  std::vector<Phase> phases;
  make_folders(run_dir);
  Stopwatch watch;
  const data::CorpusResult corpus = build_documents(config, run_dir, accept_changed_corpus, say, progress);
  REPRISE_REQUIRE(corpus.num_kept > 0, ErrorKind::kData, "no document is left for training after filters and split",
                  fmt::format("see which rule dropped them: `reprise data report {}`", run_dir.string()));
  phases.push_back({"documents", watch.lap(),
                    fmt::format("{} kept, {} held out, {} dropped; {:.1f} MB kept", corpus.num_kept, corpus.num_held_out,
                                corpus.num_dropped, static_cast<double>(corpus.kept_bytes) / 1e6)});

  const data::Tokenizer tokenizer = train_and_save_tokenizer(config.recipe(), run_dir, num_threads, progress);
  phases.push_back({"tokenizer", watch.lap(), fmt::format("{} entries", tokenizer.vocab_size())});

  const std::filesystem::path shards = run_dir / "shards";
  make_folders(shards);
  const auto train = data::write_shards(run_dir / "data" / "train.jsonl.zst", tokenizer, shards, "train", num_threads,
                                        progress);
  const auto held_out = data::write_shards(run_dir / "data" / "held_out.jsonl.zst", tokenizer, shards, "held_out",
                                           num_threads, progress);
  phases.push_back({"shards", watch.lap(),
                    fmt::format("{} training and {} held-out tokens", train.num_tokens, held_out.num_tokens)});
  return phases;
}

}  // namespace reprise::audit
