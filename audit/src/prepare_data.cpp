#include <fmt/core.h>

#include <optional>

#include "reprise/audit/reproduce.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"
#include "reprise/core/hash.h"
#include "reprise/core/shell_line.h"
#include "reprise/data_pipeline/assembly.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/report.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/token_build.h"
#include "reprise/logs/run_log.h"
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

/// A filter for a kind or language that no document has would leave all as it is without a word.
void warn_of_idle_filters(const configs::DataRecipe& recipe, const data::BuildOptions& options, const Say& say) {
  if (options.team.rank != 0) return;
  for (const std::string& line : data::filters_without_documents(recipe, data::read_report(options.output_dir))) {
    say("warning: " + line);
  }
}

bool is_tokenizer_of(const logs::RunHeader& run, const std::filesystem::path& path) {
  return std::filesystem::exists(path) && sha256(read_file(path)) == run.tokenizer;
}

/// Throws where what is to be built is not what the run in the folder was made from.
void require_recipe_of_the_run(const configs::Recipe& recipe, const data::BuildOptions& options,
                               const logs::RunHeader& run) {
  const std::filesystem::path& folder = options.output_dir;
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
  if (!options.tokenizer.empty() && !is_tokenizer_of(run, options.tokenizer)) {
    refuse(fmt::format("{} is not its tokenizer", options.tokenizer.string()));
  }
}

/// What the run in the folder was begun with; nothing where none has begun.
std::optional<logs::RunHeader> begun_run(const std::filesystem::path& folder) {
  if (!train::holds_run(folder)) return std::nullopt;
  REPRISE_REQUIRE(std::filesystem::exists(folder / "run.log"), ErrorKind::kCheckpoint,
                  fmt::format("{} holds checkpoints and no run.log, which names their data", folder.string()),
                  fmt::format("put run.log back, begin it anew with `{}`, or choose another folder with --out",
                              shell_line({"reprise", "train", "--resume", folder.string()})));
  return *logs::read_intact_records(folder / "run.log").records.front().header;
}

/// The training tokens where shards/ has those of the run.
std::optional<std::size_t> num_tokens_of_the_run(const std::filesystem::path& folder, const logs::RunHeader& run) {
  if (!std::filesystem::exists(folder / "shards" / "train-00000.h5")) return std::nullopt;
  try {
    const data::TokenSet tokens = data::TokenSet::open(folder / "shards", "train");
    if (tokens.root() == run.data_root) return tokens.tokens().size();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kCorrupt) throw;
  }
  return std::nullopt;
}

/// The weights of a run belong to its tokenizer and its shards, which need not be those that its recipe gives: they may
/// have been made with another tokenizer, or from files that have changed. So where the shards are there, nothing is
/// built; where they are not, they are made with the run's tokenizer if that is there. Returns the table lines of
/// what is there.
std::optional<std::vector<Phase>> take_data_of_the_run(const logs::RunHeader& run, data::BuildOptions& options,
                                                       const Say& say) {
  const std::filesystem::path& folder = options.output_dir;
  const std::filesystem::path tokenizer = folder / "tokenizer" / "tokenizer.json";
  const bool has_tokenizer = is_tokenizer_of(run, tokenizer);
  const std::optional<std::size_t> num_tokens = num_tokens_of_the_run(folder, run);
  if (!num_tokens) {
    if (has_tokenizer) options.tokenizer = tokenizer;
    return std::nullopt;
  }
  const auto require = [&](bool is_there, const std::filesystem::path& path) {
    REPRISE_REQUIRE(is_there, ErrorKind::kCheckpoint,
                    fmt::format("{} holds a run and its shards, but not the run's {}", folder.string(), path.string()),
                    "put that file back: what is built now need not be the same; or choose another folder with --out, "
                    "or replace the run with `reprise reproduce --overwrite`");
  };
  require(has_tokenizer, tokenizer);
  for (const auto& path : {data::train_path(folder), data::held_out_path(folder), data::dropped_path(folder),
                           folder / "data" / "report.json"}) {
    require(std::filesystem::exists(path), path);
  }
  say(fmt::format("{} holds a run and its data: nothing of it is built", folder.string()));
  return std::vector<Phase>{{"documents", 0, "those of the run"},
                            {"tokens", 0, fmt::format("those of the run: {} training tokens", *num_tokens)}};
}

}  // namespace

PreparedData prepare_data(const configs::RunConfig& config, const data::BuildOptions& given, const Say& say,
                          ProgressSink& progress) {
  std::vector<Phase> phases;
  data::BuildOptions options = given;
  make_folders(options.output_dir);
  // Two builds in one folder would mix their pieces; a session of training reads what is replaced here.
  std::optional<FolderLock> lock;
  if (options.team.rank == 0) lock.emplace(options.output_dir);
  if (const std::optional<logs::RunHeader> run = begun_run(options.output_dir)) {
    require_recipe_of_the_run(config.recipe(), options, *run);
    if (const auto there = take_data_of_the_run(*run, options, say)) return {*there, {}};
  }
  data::require_usable_tokenizer(config.recipe().tokenizer(), options);
  Stopwatch watch;
  data::assemble_for_run(config.runtime(), options, progress);
  const data::CorpusResult corpus = data::build_corpus(config.recipe().data(), options, progress);
  warn_of_changed_files(corpus, say);
  warn_of_idle_filters(config.recipe().data(), options, say);
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
