#include <fmt/core.h>

#include <optional>

#include "reprise/audit/reproduce.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"
#include "reprise/data_pipeline/assembly.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/token_build.h"
#include "reprise/train/holds_run.h"
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

/// The weights of a run belong to its tokenizer and its shards: those of another recipe must not take their place.
void require_data_of_the_run(const configs::Recipe& recipe, const data::BuildOptions& options) {
  const std::filesystem::path& folder = options.output_dir;
  if (!train::holds_run(folder)) return;
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::kCheckpoint, fmt::format("{} holds a run with other data: {}", folder.string(), what),
                "choose another folder with --out");
  };
  if (!std::filesystem::exists(folder / "recipe.pbtxt")) refuse("it has no recipe to compare with");
  const configs::Recipe of_run = configs::load_config(folder / "recipe.pbtxt").recipe();
  if (configs::message_hash(of_run.data()) != configs::message_hash(recipe.data())) refuse("recipe.data differs");
  if (configs::message_hash(of_run.tokenizer()) != configs::message_hash(recipe.tokenizer())) {
    refuse("recipe.tokenizer differs");
  }
  const std::filesystem::path tokenizer = folder / "tokenizer" / "tokenizer.json";
  if (!options.tokenizer.empty() && std::filesystem::exists(tokenizer) &&
      read_file(options.tokenizer) != read_file(tokenizer)) {
    refuse(fmt::format("{} is not its tokenizer", options.tokenizer.string()));
  }
}

}  // namespace

PreparedData prepare_data(const configs::RunConfig& config, const data::BuildOptions& options, const Say& say,
                          ProgressSink& progress) {
  std::vector<Phase> phases;
  make_folders(options.output_dir);
  // Two builds in one folder would mix their pieces; a session of training reads what is replaced here.
  std::optional<FolderLock> lock;
  if (options.team.rank == 0) lock.emplace(options.output_dir);
  require_data_of_the_run(config.recipe(), options);
  data::require_usable_tokenizer(config.recipe().tokenizer(), options);
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
  return {std::move(phases), corpus.mismatched_files};
}

}  // namespace reprise::audit
