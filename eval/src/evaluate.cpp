// Walks checkpoints: reads each, verified, and scores the prepared tasks on it.
#include "reprise/eval/evaluate.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "decoder_scorer.h"
#include "reprise/checkpoints/average.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/prune.h"
#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/shell_line.h"
#include "reprise/core/thread_pool.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/eval/tasks.h"
#include "reprise/logs/run_log.h"

namespace reprise::eval {
namespace {

/// The records of run.log up to a damage; nothing where there is no log to ask.
std::optional<logs::RunLog> log_of(const std::filesystem::path& run_dir) {
  const std::filesystem::path path = run_dir / "run.log";
  return std::filesystem::exists(path) ? std::optional(logs::read_intact_records(path)) : std::nullopt;
}

/// The tokenizer that run.log names.
std::optional<Digest> logged_tokenizer(const std::filesystem::path& run_dir) {
  const std::optional<logs::RunLog> log = log_of(run_dir);
  return log ? std::optional(log->records.front().header->tokenizer) : std::nullopt;
}

data::Tokenizer load_tokenizer(const configs::Recipe& recipe, const std::filesystem::path& run_dir) {
  const std::filesystem::path path = run_dir / "tokenizer" / "tokenizer.json";
  data::Tokenizer tokenizer = data::Tokenizer::load(path);
  REPRISE_REQUIRE(tokenizer.vocab_size() <= recipe.tokenizer().vocab_size(), ErrorKind::kCheckpoint,
                  fmt::format("{} has more entries than the model: {} > {}", path.string(), tokenizer.vocab_size(),
                              recipe.tokenizer().vocab_size()),
                  "use the tokenizer of the run itself");
  const std::optional<Digest> logged = logged_tokenizer(run_dir);
  REPRISE_REQUIRE(
      !logged || *logged == tokenizer.digest(), ErrorKind::kCheckpoint,
      fmt::format("{} is not the tokenizer that the run was trained with: its digest is {}, run.log names {}",
                  path.string(), tokenizer.digest().hex(), logged.value_or(Digest{}).hex()),
      "restore the tokenizer and the shards that the run began with");
  return tokenizer;
}

/// Whether run.log holds the step, so that a replay can make it.
bool was_trained(const std::filesystem::path& run_dir, std::uint64_t step) {
  const std::optional<logs::RunLog> log = log_of(run_dir);
  if (!log) return false;
  const bool is_held = std::any_of(log->records.begin(), log->records.end(), [&](const logs::RunRecord& record) {
    return (record.header && record.header->first_step() == step) || (record.step && record.step->step == step);
  });
  if (!is_held && log->torn_tail) logs::read_run_log(run_dir / "run.log");  // throws where it is damage that hides it
  return is_held;
}

bool was_pruned(const std::filesystem::path& folder, std::uint64_t step) {
  const std::vector<checkpoints::PrunedCheckpoint> pruned = checkpoints::read_pruned(folder);
  return std::any_of(pruned.begin(), pruned.end(),
                     [&](const checkpoints::PrunedCheckpoint& gone) { return gone.whole_file && gone.step == step; });
}

[[noreturn]] void refuse_step(const std::filesystem::path& run_dir, std::uint64_t step) {
  const std::filesystem::path folder = run_dir / "checkpoints";
  const std::filesystem::path path = folder / checkpoints::file_name(checkpoints::FileKind::kScheduled, step);
  const std::string run = shell_line({run_dir.string()});
  const std::string makes_it =
      was_trained(run_dir, step)
          ? fmt::format(
                "`reprise checkpoint materialize {} --step {} --out FILE` computes it again, for --checkpoint FILE",
                run, step)
          : fmt::format("run.log does not hold the step: `reprise train --resume {}` goes on with an unfinished run",
                        run);
  throw Error(ErrorKind::kCheckpoint,
              fmt::format("the run has no checkpoint of step {}: {} {}", step, path.string(),
                          was_pruned(folder, step) ? "was pruned" : "is missing"),
              fmt::format("`reprise checkpoint list {}` names those it has; {}", run, makes_it));
}

/// The file of a step, which must be there. Asked of all steps before any is scored: at a missing one the figures of
/// the others would be lost.
std::filesystem::path file_of_step(const std::filesystem::path& run_dir, std::uint64_t step) {
  const std::optional<std::filesystem::path> file = checkpoints::find_step(run_dir / "checkpoints", step);
  if (!file) refuse_step(run_dir, step);
  return *file;
}

checkpoints::LoadedCheckpoint read_step(const configs::Recipe& recipe, const std::filesystem::path& run_dir,
                                        std::uint64_t step) {
  const std::filesystem::path path = file_of_step(run_dir, step);
  checkpoints::LoadedCheckpoint checkpoint = checkpoints::read_checkpoint(path);
  REPRISE_REQUIRE(
      checkpoint.info.header.recipe_hash == configs::recipe_hash(recipe), ErrorKind::kCheckpoint,
      fmt::format("{} was made by another recipe: {}", path.string(), checkpoint.info.header.recipe_hash.hex()),
      fmt::format(
          "`reprise checkpoint verify {}` says which files are of another run; score one of them in its own run, "
          "or here with --checkpoint {}",
          shell_line({run_dir.string()}), shell_line({path.string()})));
  checkpoints::require_name(checkpoint.info);
  return checkpoint;
}

/// The root that the shards state which are to be those of the run's checkpoints; nothing where the folder has none, as
/// where only held-out text was copied: that is enough to score it.
std::optional<Digest> root_of_train_shards(const std::filesystem::path& run_dir) {
  const std::filesystem::path shards = run_dir / "shards";
  if (!std::filesystem::exists(shards / "train-00000.h5")) return std::nullopt;
  return data::stated_root(shards, "train");
}

/// Held-out text of other data may be what a checkpoint was trained on.
void require_shards(const checkpoints::CheckpointInfo& info, const std::filesystem::path& run_dir, const Digest& root) {
  REPRISE_REQUIRE(info.header.data_root == root, ErrorKind::kCheckpoint,
                  fmt::format("{} was trained on token shards with root {}; those in {} have {}", info.path.string(),
                              info.header.data_root.hex(), (run_dir / "shards").string(), root.hex()),
                  "restore the shards that the run began with");
}

/// The named file, or the run's checkpoint of `step`. A file may be of another run of the same model: the scorer looks.
checkpoints::LoadedCheckpoint read_for(const configs::Recipe& recipe, const EvalOptions& options, std::uint64_t step) {
  return options.file ? checkpoints::read_model(*options.file) : read_step(recipe, options.run_dir, step);
}

/// The suite of the recipe; a recipe that fixes its hash gets that suite or an error.
std::vector<MinimalPair> suite_of(const configs::EvalRecipe& recipe, Digest& digest) {
  std::vector<MinimalPair> pairs = generate_suite(recipe.pairs_per_phenomenon());
  digest = suite_digest(pairs);
  REPRISE_REQUIRE(recipe.suite_sha256().empty() || recipe.suite_sha256() == digest.hex(), ErrorKind::kConfig,
                  fmt::format("the generated minimal pairs are not the recipe's: {} instead of {}", digest.hex(),
                              recipe.suite_sha256()),
                  "this version makes another suite; leave eval.suite_sha256 out to accept it");
  return pairs;
}

Encoder encoder_of(const data::Tokenizer& tokenizer) {
  return [&tokenizer](std::string_view text) { return tokenizer.encode(text); };
}

/// Ends the phase also when an error passes.
class Phase {
 public:
  Phase(ProgressSink& sink, std::string_view name, std::int64_t num_targets) : sink_(sink) {
    sink_.begin(name, num_targets, "tokens");
  }
  ~Phase() { sink_.end(); }
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

  void add(std::int64_t num_targets) { sink_.update(done_ += num_targets, figure_); }
  void say(std::string figure) { figure_ = std::move(figure); }

 private:
  ProgressSink& sink_;
  std::int64_t done_ = 0;
  std::string figure_;
};

}  // namespace

std::vector<std::uint64_t> eval_steps(const configs::Recipe& recipe) {
  const std::vector<std::uint64_t> scheduled = configs::checkpoint_steps(recipe);
  const std::uint64_t count = std::max<std::uint64_t>(2, recipe.eval().num_checkpoints());
  const std::uint64_t first = scheduled.front();
  const std::uint64_t length = scheduled.back() - first;
  if (count > length) return scheduled;  // steps less than 1 apart meet every one; `count` may be four billion
  std::vector<std::uint64_t> steps;
  for (std::uint64_t i = 0; i < count; ++i) {
    // Compares |(step - first) * (count - 1) - i * length|, all integers, so that no rounding decides.
    const auto distance = [&](std::uint64_t step) {
      const std::uint64_t a = (step - first) * (count - 1);
      const std::uint64_t b = i * length;
      return a > b ? a - b : b - a;
    };
    const auto nearest = std::min_element(scheduled.begin(), scheduled.end(),
                                          [&](std::uint64_t a, std::uint64_t b) { return distance(a) < distance(b); });
    if (steps.empty() || steps.back() != *nearest) steps.push_back(*nearest);
  }
  return steps;
}

void require_suite(const configs::Recipe& recipe) {
  Digest ignored;
  suite_of(recipe.eval(), ignored);
}

EvalResult evaluate_run(const configs::Recipe& recipe, const EvalOptions& options, ProgressSink& progress) {
  EvalResult result;
  std::vector<std::uint64_t> steps = options.steps.empty() ? eval_steps(recipe) : options.steps;
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  if (options.file) steps = {checkpoints::read_model(*options.file).info.header.step};
  for (const std::uint64_t step : steps) {
    if (!options.file) file_of_step(options.run_dir, step);
  }
  const data::Tokenizer tokenizer = load_tokenizer(recipe, options.run_dir);
  const PairTask pairs(suite_of(recipe.eval(), result.suite), encoder_of(tokenizer), tokenizer.end_of_text());
  std::optional<data::TokenSet> tokens;
  std::optional<HeldOutTask> held_out;
  if (options.held_out) {
    tokens = data::TokenSet::open(options.run_dir / "shards", "held_out");
    held_out.emplace(tokens->tokens(), tokens->documents(), tokenizer.end_of_text());
  }
  // A file in place of the run's own may be of a run on other data.
  const std::optional<Digest> train_root =
      options.held_out && !options.file ? root_of_train_shards(options.run_dir) : std::nullopt;
  const std::int64_t targets_per_step =
      (held_out ? held_out->num_targets() : 0) + (options.pairs ? pairs.num_targets() : 0);

  DecoderScorer scorer(recipe, options.device);
  ThreadPool pool(options.num_threads);
  const std::size_t window = recipe.train().sequence_length();
  ProgressSink& sink = targets_per_step > 0 ? progress : no_progress();
  Phase phase(sink, "evaluate", targets_per_step * static_cast<std::int64_t>(steps.size()));
  const OnScored on_scored = [&](std::int64_t num_targets) { phase.add(num_targets); };
  for (const std::uint64_t step : steps) {
    phase.say(fmt::format("step {}", step));
    const checkpoints::LoadedCheckpoint checkpoint = read_for(recipe, options, step);
    if (train_root) require_shards(checkpoint.info, options.run_dir, *train_root);
    scorer.load(checkpoint);
    CheckpointResult& entry = result.checkpoints.emplace_back();
    entry.step = step;
    entry.checkpoint_root = checkpoint.info.root;
    if (held_out) entry.held_out = held_out->score(scorer, window, pool, on_scored);
    if (options.pairs) entry.pairs = pairs.score(scorer, window, pool, on_scored);
  }
  return result;
}

std::vector<PairGroup> evaluate_pairs(const configs::Recipe& recipe, const EvalOptions& options, std::uint64_t step,
                                      const std::vector<MinimalPair>& pairs, ProgressSink& progress) {
  const data::Tokenizer tokenizer = load_tokenizer(recipe, options.run_dir);
  const PairTask task(pairs, encoder_of(tokenizer), tokenizer.end_of_text());
  DecoderScorer scorer(recipe, options.device);
  scorer.load(read_for(recipe, options, step));
  ThreadPool pool(options.num_threads);
  Phase phase(progress, "pairs", task.num_targets());
  return task.score(scorer, recipe.train().sequence_length(), pool,
                    [&](std::int64_t num_targets) { phase.add(num_targets); });
}

}  // namespace reprise::eval
