#include <fmt/core.h>

#include "reprise/audit/reproduce.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/assembly.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/token_build.h"
#include "stopwatch.h"

namespace reprise::audit {
namespace {

using Say = std::function<void(const std::string&)>;

void warn_of_changed_files(const data::CorpusResult& corpus, const Say& say) {
  for (const std::string& file : corpus.mismatched_files) {
    say(fmt::format(
        "warning: {} is not the file the recipe names (its SHA-256 differs); going on, the root will differ", file));
  }
}

}  // namespace

std::vector<Phase> prepare_data(const configs::RunConfig& config, const data::BuildOptions& options, const Say& say,
                                ProgressSink& progress) {
  std::vector<Phase> phases;
  make_folders(options.output_dir);
  Stopwatch watch;
  data::assemble_for_run(config.runtime(), options, progress);
  const data::CorpusResult corpus = data::build_corpus(config.recipe().data(), options, progress);
  warn_of_changed_files(corpus, say);
  phases.push_back(
      {"documents", watch.lap(),
       fmt::format("{} kept, {} held out, {} dropped; {:.1f} MB kept", corpus.num_kept, corpus.num_held_out,
                   corpus.num_dropped, static_cast<double>(corpus.kept_bytes) / 1e6)});
  const data::TokenBuildResult tokens = data::build_tokens(config.recipe().tokenizer(), options, progress);
  phases.push_back({"tokens", watch.lap(),
                    fmt::format("{} entries; {} training and {} held-out tokens", tokens.vocab_size,
                                tokens.num_train_tokens, tokens.num_held_out_tokens)});
  if (options.team.rank == 0) data::remove_build_files(options.output_dir);
  return phases;
}

}  // namespace reprise::audit
