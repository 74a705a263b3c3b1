#include <fmt/core.h>

#include "reprise/audit/reproduce.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/report.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "stopwatch.h"

namespace reprise::audit {
namespace {

using Say = std::function<void(const std::string&)>;

data::CorpusResult build_documents(const configs::RunConfig& config, const std::filesystem::path& run_dir,
                                   int num_threads, bool accept_changed_corpus, const Say& say, ProgressSink& progress) {
  data::BuildOptions options;
  options.corpus_dir = config.runtime().corpus_dir();
  options.output_dir = run_dir;
  options.accept_changed_corpus = accept_changed_corpus;
  options.num_threads = num_threads;
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
    data::for_each_document(data::train_path(run_dir),
                            [&](const data::Document& document) { visit(document.text); });
  };
  data::Tokenizer tokenizer = data::train_tokenizer(recipe.tokenizer(), texts, num_threads, progress);
  make_folders(run_dir / "tokenizer");
  write_file_atomically(run_dir / "tokenizer" / "tokenizer.json", tokenizer.json());
  return tokenizer;
}

void take_counts(const std::filesystem::path& shards, const char* stem, std::vector<data::TokenCount>& counts) {
  const data::TokenSet tokens = data::TokenSet::open(shards, stem);
  for (const data::DocumentSpan& document : tokens.documents()) counts.push_back({document.id, document.num_tokens});
}

/// Fills the report's token columns: shards know those of kept and held-out documents, dropped ones are encoded here.
void count_tokens(const std::filesystem::path& run_dir, const data::Tokenizer& tokenizer) {
  std::vector<data::TokenCount> counts;
  take_counts(run_dir / "shards", "train", counts);
  take_counts(run_dir / "shards", "held_out", counts);
  data::for_each_dropped(data::dropped_path(run_dir), [&](const data::DroppedDocument& dropped) {
    counts.push_back({dropped.document.id, tokenizer.encode(dropped.document.text).size()});
  });
  data::add_token_counts(run_dir, counts);
}

}  // namespace

std::vector<Phase> prepare_data(const configs::RunConfig& config, const std::filesystem::path& run_dir, int num_threads,
                                bool accept_changed_corpus, const Say& say, ProgressSink& progress) {
  std::vector<Phase> phases;
  make_folders(run_dir);
  Stopwatch watch;
  const data::CorpusResult corpus = build_documents(config, run_dir, num_threads, accept_changed_corpus, say, progress);
  REPRISE_REQUIRE(corpus.num_kept > 0, ErrorKind::kData, "no document is left for training after filters and split",
                  fmt::format("see which rule dropped them: `reprise data report {}`", run_dir.string()));
  phases.push_back({"documents", watch.lap(),
                    fmt::format("{} kept, {} held out, {} dropped; {:.1f} MB kept", corpus.num_kept, corpus.num_held_out,
                                corpus.num_dropped, static_cast<double>(corpus.kept_bytes) / 1e6)});

  const data::Tokenizer tokenizer = train_and_save_tokenizer(config.recipe(), run_dir, num_threads, progress);
  phases.push_back({"tokenizer", watch.lap(), fmt::format("{} entries", tokenizer.vocab_size())});

  const std::filesystem::path shards = run_dir / "shards";
  make_folders(shards);
  const auto train = data::write_shards(data::train_path(run_dir), tokenizer, shards, "train", num_threads,
                                        progress);
  const auto held_out = data::write_shards(data::held_out_path(run_dir), tokenizer, shards, "held_out",
                                           num_threads, progress);
  count_tokens(run_dir, tokenizer);
  phases.push_back({"shards", watch.lap(),
                    fmt::format("{} training and {} held-out tokens", train.num_tokens, held_out.num_tokens)});
  return phases;
}

}  // namespace reprise::audit
