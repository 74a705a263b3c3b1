#include "reprise/audit/verify.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <system_error>

#include "reprise/audit/manifest.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/prune.h"
#include "reprise/configs/checkpoint_schedule.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/shell_line.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/eval/evaluate.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/fork.h"
#include "reprise/train/log_check.h"
#include "reprise/train/trainer.h"

namespace reprise::audit {
namespace {

/// Runs `check`, which returns what it saw; what it throws becomes a claim that does not hold.
void add_claim(std::vector<Claim>& claims, const std::string& name, const std::function<std::string()>& check) {
  Claim claim{name, false, {}};
  try {
    claim.detail = check();
    claim.holds = true;
  } catch (const Error& error) {
    claim.detail = error.what();
  } catch (const std::filesystem::filesystem_error& error) {
    claim.detail = fmt::format("cannot look at {}: {}", error.path1().string(), error.code().message());
  }
  claims.push_back(std::move(claim));
}

[[noreturn]] void differ(const std::string& what) { throw Error(ErrorKind::kCorrupt, what); }

/// What an earlier claim has read. Without it nothing can be said of what is held against it.
template <typename Content>
const Content& required(const std::optional<Content>& content, const char* file) {
  if (!content) differ(fmt::format("cannot be checked: {} could not be read", file));
  return *content;
}

const logs::RunHeader& header_of(const logs::RunLog& log) {
  if (log.records.empty() || !log.records.front().header) differ("run.log has no header record");
  return *log.records.front().header;
}

std::string check_recipe(const configs::Recipe& recipe, const logs::RunLog& log) {
  const Digest hash = configs::recipe_hash(recipe);
  const Digest logged = header_of(log).recipe_hash;
  if (hash != logged) differ(fmt::format("recipe.pbtxt hashes to {}, run.log names {}", hash.hex(), logged.hex()));
  train::check_log_header(recipe, header_of(log));
  return hash.hex();
}

/// Whether the recipe asks for a held-out loss behind `step`.
bool wants_evaluation(const configs::TrainRecipe& recipe, std::uint64_t step) {
  return recipe.has_evaluation() && (step % recipe.evaluation().interval() == 0 || step == recipe.num_steps());
}

/// The sequences of a held-out loss are the same along the run, and no more than the recipe wants.
void check_evaluation(const configs::TrainRecipe& recipe, const logs::EvaluationRecord& found,
                      const logs::EvaluationRecord& first) {
  const bool fits = found.num_sequences > 0 && found.num_sequences <= recipe.evaluation().sequences() &&
                    found.num_targets == found.num_sequences * recipe.sequence_length() && found.num_bytes > 0;
  const bool same = found.num_sequences == first.num_sequences && found.num_bytes == first.num_bytes &&
                    found.batch_hash == first.batch_hash;
  if (!fits || !same) {
    differ(fmt::format("the held-out loss of step {} is of {} sequences with {} targets and {} bytes: not those {}",
                       found.step, found.num_sequences, found.num_targets, found.num_bytes,
                       fits ? fmt::format("of step {}", first.step) : "of the recipe"));
  }
  if (!std::isfinite(found.loss) || !std::isfinite(found.bits_per_byte)) {
    differ(fmt::format("the held-out loss of step {} is {}, {} bits per byte", found.step, found.loss,
                       found.bits_per_byte));
  }
}

/// Every step says what follows from the recipe, and has a held-out loss where the recipe asks for one.
void check_records(const configs::Recipe& recipe, const logs::RunLog& log, const std::filesystem::path& run_dir) {
  train::StepCheck steps(run_dir, recipe);
  const logs::EvaluationRecord* first_evaluation = nullptr;
  for (std::size_t i = 0; i < log.records.size(); ++i) {
    if (!log.records[i].step) continue;
    const logs::StepRecord& step = *log.records[i].step;
    steps.check(step);
    steps.pass(step);
    const bool has_evaluation = i + 1 < log.records.size() && log.records[i + 1].evaluation;
    if (has_evaluation != wants_evaluation(recipe.train(), step.step)) {
      differ(fmt::format("step {} has {} held-out loss", step.step, has_evaluation ? "an unasked" : "no"));
    }
    if (!has_evaluation) continue;
    const logs::EvaluationRecord& evaluation = *log.records[i + 1].evaluation;
    if (first_evaluation == nullptr) first_evaluation = &evaluation;
    check_evaluation(recipe.train(), evaluation, *first_evaluation);
  }
}

std::string check_steps(const configs::Recipe& recipe, const logs::RunLog& log, const std::filesystem::path& run_dir) {
  const std::uint64_t first = train::first_step(recipe) + 1;
  std::uint64_t next = first;
  for (const logs::RunRecord& record : log.records) {
    if (!record.step) continue;
    if (record.step->step != next) differ(fmt::format("step {} stands where step {} belongs", record.step->step, next));
    ++next;
  }
  if (next != recipe.train().num_steps() + 1) {
    differ(fmt::format("the log ends at step {} of {}", next - 1, recipe.train().num_steps()));
  }
  check_records(recipe, log, run_dir);
  return fmt::format("{} steps, each once", next - first);
}

/// The checkpoints of a run against its log.
class ChainCheck {
 public:
  ChainCheck(const configs::Recipe& recipe, const logs::RunLog& log, const std::filesystem::path& run_dir)
      : folder_(run_dir / "checkpoints"),
        first_step_(train::first_step(recipe)),
        header_(header_of(log)),
        num_parameters_(train::num_parameters(recipe)),
        previous_(train::root_before(recipe)) {
    train::StepCheck steps(run_dir, recipe);
    for (const logs::RunRecord& record : log.records) {
      if (record.checkpoint) {
        logged_roots_[record.checkpoint->step] = record.checkpoint->root;
        expected_[record.checkpoint->step] = steps.header();
      }
      if (!record.step) continue;
      logged_states_[record.step->step] = record.step->state;
      steps.pass(*record.step);
    }
    for (const checkpoints::PrunedCheckpoint& gone : checkpoints::read_pruned(folder_)) {
      if (gone.whole_file) pruned_[gone.step] = gone;
    }
  }

  void check(std::uint64_t step) {
    const auto path = folder_ / checkpoints::file_name(checkpoints::FileKind::kScheduled, step);
    const auto gone = pruned_.find(step);
    if (gone != pruned_.end() && !std::filesystem::exists(path)) {
      check_link(step, folder_ / "pruned.json", gone->second.root, gone->second.previous_root);
      ++num_pruned_;
      return;
    }
    const checkpoints::LoadedCheckpoint loaded = checkpoints::read_checkpoint(path);
    if (loaded.info.header.step != step)
      differ(fmt::format("{} holds step {}", path.string(), loaded.info.header.step));
    check_origin(loaded.info);
    check_place(loaded);
    check_link(step, path, loaded.info.root, loaded.info.header.previous_root);
    const Digest state = checkpoints::state_digest(step, loaded.layout, loaded.digests);
    if (step > first_step_ && logged_states_[step] != state) {
      differ(fmt::format("{} holds another state than run.log records for step {}", path.string(), step));
    }
  }

  std::size_t num_logged() const { return logged_roots_.size(); }
  std::size_t num_pruned() const { return num_pruned_; }

 private:
  /// A checkpoint is the child of the one before, and the one that the log names.
  void check_link(std::uint64_t step, const std::filesystem::path& path, const Digest& root, const Digest& previous) {
    if (previous != previous_)
      differ(fmt::format("step {} does not follow the checkpoint before it: {}", step, path.string()));
    if (!logged_roots_.contains(step) || logged_roots_[step] != root) {
      differ(fmt::format("{} has root {} for step {}, which run.log does not hold", path.string(), root.hex(), step));
    }
    previous_ = root;
  }

  /// A checkpoint says of what recipe and shards it is, as the log does; of the recipe its root covers the hash alone.
  void check_origin(const checkpoints::CheckpointInfo& info) const {
    if (info.header.recipe_hash != header_.recipe_hash) {
      differ(fmt::format("{} is of recipe {}, run.log of {}", info.path.string(), info.header.recipe_hash.hex(),
                         header_.recipe_hash.hex()));
    }
    if (info.header.data_root != header_.data_root) {
      differ(fmt::format("{} is of shards with root {}, run.log of {}", info.path.string(), info.header.data_root.hex(),
                         header_.data_root.hex()));
    }
    configs::parse_hashed_recipe(info.header.recipe_text, info.path.string() + ": recipe_text", header_.recipe_hash);
  }

  /// A checkpoint says where in the run it is, as recipe and log do.
  void check_place(const checkpoints::LoadedCheckpoint& loaded) const {
    const checkpoints::Header& found = loaded.info.header;
    const auto place = expected_.find(found.step);
    if (place == expected_.end()) return;  // the log does not hold it, which check_link() says
    const checkpoints::Header& expected = place->second;
    std::string differences;
    const auto compare = [&](const char* what, auto value, auto wanted) {
      if (value != wanted) differences += fmt::format("; {} is {}, by the recipe {}", what, value, wanted);
    };
    compare("seed", found.seed, expected.seed);
    compare("contract_version", found.contract_version, expected.contract_version);
    compare("tokens_seen", found.tokens_seen, expected.tokens_seen);
    compare("next_sample", found.next_sample, expected.next_sample);
    compare("adam_step", found.adam_step, expected.adam_step);
    compare("beta1_power", found.beta1_power, expected.beta1_power);
    compare("beta2_power", found.beta2_power, expected.beta2_power);
    compare("the number of parameters", loaded.layout.num_parameters(), num_parameters_);
    if (!differences.empty()) differ(loaded.info.path.string() + ": " + differences.substr(2));
  }

  std::filesystem::path folder_;
  std::map<std::uint64_t, Digest> logged_roots_, logged_states_;
  std::map<std::uint64_t, checkpoints::Header> expected_;  // by step
  std::map<std::uint64_t, checkpoints::PrunedCheckpoint> pruned_;
  std::uint64_t first_step_;
  logs::RunHeader header_;
  std::int64_t num_parameters_;
  Digest previous_;
  std::size_t num_pruned_ = 0;
};

std::string check_chain(const configs::Recipe& recipe, const logs::RunLog& log, const std::filesystem::path& run_dir) {
  ChainCheck chain(recipe, log, run_dir);
  const std::vector<std::uint64_t> steps = configs::checkpoint_steps(recipe);
  for (const std::uint64_t step : steps) chain.check(step);
  if (chain.num_logged() != steps.size()) {
    differ(fmt::format("run.log holds {} checkpoints; the recipe schedules {}", chain.num_logged(), steps.size()));
  }
  const std::string all =
      fmt::format("{} checkpoints, each the child of the one before and the state in the log", steps.size());
  if (chain.num_pruned() == 0) return all;
  return fmt::format("{}; of {} that were pruned only the roots are there", all, chain.num_pruned());
}

/// The shards and the tokenizer in the folder are those that the run began with.
std::string check_data(const logs::RunLog& log, const std::filesystem::path& run_dir) {
  const logs::RunHeader& header = header_of(log);
  const Digest tokenizer = data::Tokenizer::load(run_dir / "tokenizer" / "tokenizer.json").digest();
  if (tokenizer != header.tokenizer) {
    differ(fmt::format("tokenizer.json has digest {}, run.log names {}", tokenizer.hex(), header.tokenizer.hex()));
  }
  const Digest root = data::TokenSet::open(run_dir / "shards", "train").root();
  if (root != header.data_root) {
    differ(fmt::format("the shards of train have root {}, run.log names {}", root.hex(), header.data_root.hex()));
  }
  return root.hex();
}

/// A run of `reprise train` has neither scores nor a manifest.
void require_written(const configs::Recipe& recipe, const std::filesystem::path& run_dir, const char* file) {
  if (std::filesystem::exists(run_dir / file)) return;
  differ(
      fmt::format("there is no {}: `reprise reproduce` alone writes one; for a run of `reprise train` there is "
                  "`reprise checkpoint verify {}{}`",
                  file, shell_line({run_dir.string()}), recipe.has_parent() ? " --parent PARENT" : ""));
}

/// The scores are of the steps that the recipe evaluates, and of the checkpoints that the log names. The figures
/// themselves are taken as they stand.
std::string check_scores(const configs::Recipe& recipe, const logs::RunLog& log, const std::filesystem::path& run_dir) {
  std::map<std::uint64_t, Digest> roots;
  for (const logs::RunRecord& record : log.records) {
    if (record.checkpoint) roots[record.checkpoint->step] = record.checkpoint->root;
  }
  require_written(recipe, run_dir, "eval/results.json");
  const std::vector<eval::CheckpointResult> scored = eval::read_results(run_dir).checkpoints;
  const std::vector<std::uint64_t> steps = eval::eval_steps(recipe);
  if (scored.size() != steps.size()) {
    differ(fmt::format("eval/results.json has {} checkpoints; the recipe evaluates {}", scored.size(), steps.size()));
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (scored[i].step != steps[i]) {
      differ(fmt::format("eval/results.json has step {} where the recipe evaluates step {}", scored[i].step, steps[i]));
    }
    const auto root = roots.find(steps[i]);
    if (root == roots.end() || root->second != scored[i].checkpoint_root) {
      differ(fmt::format("eval/results.json has scores of root {} for step {}, which run.log does not hold",
                         scored[i].checkpoint_root.hex(), steps[i]));
    }
  }
  return fmt::format("{} checkpoints, each by its root in run.log", steps.size());
}

std::string check_manifest(const configs::Recipe& recipe, const std::filesystem::path& run_dir,
                           std::optional<Digest>& root) {
  require_written(recipe, run_dir, "manifest.json");
  const Manifest stored = read_manifest(run_dir / "manifest.json");
  const Manifest found = build_manifest(recipe, run_dir);
  root = found.root();
  if (const auto name = first_difference(stored, found))
    differ(fmt::format("the files differ from the manifest at {}", *name));
  return fmt::format("{} artefacts", found.artefacts.size());
}

/// A folder that cannot be looked into is not one without a recipe.
void require_run_folder(const std::filesystem::path& run_dir) {
  const std::filesystem::path recipe = run_dir / "recipe.pbtxt";
  std::error_code error;
  const bool is_there = std::filesystem::exists(recipe, error);
  REPRISE_REQUIRE(!error, ErrorKind::kIo, fmt::format("cannot look at {}: {}", recipe.string(), error.message()),
                  system_hint(error.value(), FileUse::kRead));
  REPRISE_REQUIRE(is_there, ErrorKind::kUsage,
                  fmt::format("not a run folder: {} has no recipe.pbtxt", run_dir.string()),
                  "give the folder that `reprise reproduce` wrote, such as runs/tiny");
}

/// What files alone cannot show, and how to have it computed. `is_fork`: the run goes on from another one.
std::vector<std::string> not_checked(bool is_fork, const std::filesystem::path& run_dir) {
  std::vector<std::string> lines = {
      fmt::format("that the steps follow from the data by the recipe (run `{}` to compute them again)",
                  is_fork ? "reprise train --from PARENT@STEP" : "reprise reproduce"),
      "that the scores follow from the checkpoints (run `reprise eval` to compute them again)",
      "that documents, tokenizer and shards follow from the corpus",
      "the moments of checkpoints that store their digests only, and the contents of those that were pruned",
      "when, where and at what cost the run was made, and that no other run was made and kept back"};
  if (is_fork) {
    lines.push_back(fmt::format("parent.h5 and the run that it is of (`reprise checkpoint verify {} --parent PARENT`)",
                                shell_line({run_dir.string()})));
  }
  return lines;
}

}  // namespace

bool Verdict::holds() const {
  return std::all_of(claims.begin(), claims.end(), [](const Claim& claim) { return claim.holds; });
}

Verdict verify_run(const std::filesystem::path& run_dir) {
  require_run_folder(run_dir);
  Verdict verdict;
  std::optional<configs::Recipe> read_recipe;
  std::optional<logs::RunLog> read_log;
  const auto recipe = [&]() -> const configs::Recipe& { return required(read_recipe, "recipe.pbtxt"); };
  const auto log = [&]() -> const logs::RunLog& { return required(read_log, "run.log"); };
  const auto add = [&](const char* name, const std::function<std::string()>& check) {
    add_claim(verdict.claims, name, check);
  };
  add("recipe can be read", [&] {
    read_recipe = configs::resolve(configs::load_config(run_dir / "recipe.pbtxt")).recipe();
    return recipe().name();
  });
  add("run.log is whole", [&] {
    read_log = logs::read_run_log(run_dir / "run.log");
    if (log().torn_tail) differ("it ends in the middle of a record");
    return fmt::format("chain {}", log().chain.hex());
  });
  add("recipe is the one in run.log", [&] { return check_recipe(recipe(), log()); });
  add("every step is logged once", [&] { return check_steps(recipe(), log(), run_dir); });
  add("checkpoints form one chain", [&] { return check_chain(recipe(), log(), run_dir); });
  add("shards and tokenizer are the run's", [&] { return check_data(log(), run_dir); });
  add("scores are of these checkpoints", [&] { return check_scores(recipe(), log(), run_dir); });
  add("files are those of the manifest", [&] { return check_manifest(recipe(), run_dir, verdict.root); });
  verdict.not_checked = not_checked(read_recipe && read_recipe->has_parent(), run_dir);
  return verdict;
}

}  // namespace reprise::audit
