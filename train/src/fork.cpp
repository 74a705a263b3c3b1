#include "reprise/train/fork.h"

#include <optional>

#include "fork_reasons.h"
#include "gather.h"
#include "own_copy.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"
#include "reprise/core/shell_line.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/materialize.h"
#include "run_folder.h"

namespace reprise::train {
namespace {

/// What a child needs to know of its parent.
struct ParentRun {
  configs::Recipe recipe;  // resolved
  logs::RunHeader log;
  std::optional<Digest> root;  // of the checkpoint of the step, where it is stored
};

std::uint64_t last_logged_step(const logs::RunLog& log) {
  std::uint64_t last = log.records.front().header->first_step();
  for (const logs::RunRecord& record : log.records) {
    if (record.step) last = record.step->step;
  }
  return last;
}

ParentRun read_parent_run(const ForkOptions& options) {
  const RunFolder run(options.parent);
  REPRISE_REQUIRE(std::filesystem::exists(run.recipe()) && std::filesystem::exists(run.run_log()),
                  ErrorKind::kCheckpoint,
                  fmt::format("{} holds no run: recipe.pbtxt or run.log is missing", run.root().string()),
                  "give the folder that `reprise train` or `reprise reproduce` wrote: --from runs/tiny@128");
  const logs::RunLog log = logs::read_run_log(run.run_log());
  ParentRun parent;
  parent.log = *log.records.front().header;
  const std::uint64_t last = last_logged_step(log);
  REPRISE_REQUIRE(options.step >= parent.log.first_step() && options.step <= last, ErrorKind::kCheckpoint,
                  fmt::format("{} has no step {}", run.root().string(), options.step),
                  fmt::format("its steps are {} to {}", parent.log.first_step(), last));
  parent.recipe = configs::resolve(configs::load_config(run.recipe())).recipe();
  const auto stored = run.checkpoints() / file_name(checkpoints::FileKind::kScheduled, options.step);
  if (std::filesystem::exists(stored)) parent.root = checkpoints::read_info(stored).root;
  return parent;
}

/// The user's overrides, and ours around them: what the child inherits of an older parent goes, the lineage stays.
std::vector<std::string> with_lineage(const ForkOptions& options, const ParentRun& parent) {
  std::vector<std::string> all = {"recipe.parent.reset_optimizer=false", "recipe.parent.restart_data=false"};
  all.insert(all.end(), options.overrides.begin(), options.overrides.end());
  all.push_back("recipe.parent.run=" + parent.recipe.name());
  all.push_back(fmt::format("recipe.parent.step={}", options.step));
  all.push_back("recipe.parent.root=" + parent.root.value_or(Digest{}).hex());
  all.push_back("recipe.parent.recipe_hash=" + parent.log.recipe_hash.hex());
  return all;
}

/// Shards and tokenizer that the child's folder holds already; nothing where it holds none.
struct OwnData {
  Digest data_root;
  Digest tokenizer;
};

std::optional<OwnData> own_data(const RunFolder& child) {
  if (!std::filesystem::exists(child.shards())) return std::nullopt;
  child.require_data();
  return OwnData{data::TokenSet::open(child.shards(), "train").root(),
                 data::Tokenizer::load(child.tokenizer()).digest()};
}

std::vector<std::string> reasons_against(const ForkOptions& options, const ParentRun& parent,
                                         const configs::Recipe& child, const std::optional<OwnData>& own) {
  std::vector<std::string> reasons = forbidden_changes(parent.recipe, child);
  if (own && own->tokenizer != parent.log.tokenizer) {
    reasons.push_back(fmt::format("the tokenizer in {} has digest {}, the parent's has {}", options.child.string(),
                                  own->tokenizer.hex(), parent.log.tokenizer.hex()));
  }
  const std::string changed = own ? std::string() : changed_data(parent.recipe, child);
  if (!changed.empty()) {
    reasons.push_back(
        fmt::format("{}: the parent's shards were not made so, and {} holds no others "
                    "(`reprise data build CONFIG --tokenizer RUN/tokenizer/tokenizer.json --out CHILD`)",
                    changed, options.child.string()));
  }
  return reasons;
}

void refuse(const ForkOptions& options, const std::vector<std::string>& reasons) {
  if (reasons.empty()) return;
  std::string text =
      fmt::format("a run cannot go on from {}@{} with these changes:", options.parent.string(), options.step);
  for (const std::string& reason : reasons) text += "\n  " + reason;
  throw Error(ErrorKind::kConfig, text, "docs/reference/forks.md says what may change");
}

/// What rank 0 does; returns the root of the parent's checkpoint, or "signal N".
std::string fill_folder(const ForkOptions& options, const configs::RunConfig& config, int num_threads,
                        ProgressSink& progress) {
  const RunFolder parent(options.parent);
  const RunFolder child(options.child);
  child.require_no_run();
  make_folders(child.root());
  const FolderLock lock(child.root());  // two forks in one folder would spoil each other's
  child.require_no_run();
  if (!std::filesystem::exists(child.shards())) {
    for (const char* name : {"data", "tokenizer", "shards"}) take_folder(parent.root() / name, child.root() / name);
  }
  MaterializeOptions replay;
  replay.run_dir = options.parent;
  replay.step = options.step;
  replay.out = child.parent();
  replay.num_threads = num_threads;
  const Materialized made = materialize(replay, progress);
  if (made.stopped_by_signal != 0) return fmt::format("signal {}", made.stopped_by_signal);
  const std::string& planned = config.recipe().parent().root();
  REPRISE_REQUIRE(planned == Digest{}.hex() || planned == made.root.hex(), ErrorKind::kCheckpoint,
                  fmt::format("the stored checkpoint of step {} has root {}; computed again it has {}", options.step,
                              planned, made.root.hex()),
                  fmt::format("`reprise checkpoint verify {}`", shell_line({options.parent.string()})));
  return made.root.hex();
}

}  // namespace

configs::RunConfig plan_fork(const ForkOptions& options) {
  const ParentRun parent = read_parent_run(options);
  const RunFolder child_folder(options.child);
  const std::optional<OwnData> own = own_data(child_folder);
  const std::filesystem::path path = options.config.empty() ? RunFolder(options.parent).recipe() : options.config;
  const std::string text = read_file(path);
  std::vector<std::string> overrides = with_lineage(options, parent);
  // Where the order changes the stages have to fill other steps, so this comes before the rules are applied.
  const configs::Recipe draft = configs::resolve(configs::check_config(text, path.string(), overrides).config).recipe();
  const bool other_shards = own && own->data_root != parent.log.data_root;
  if (other_shards || !changed_order(parent.recipe, draft, options.step).empty()) {
    overrides.push_back("recipe.parent.restart_data=true");
  }
  configs::RunConfig config = configs::parse_config(text, path.string(), overrides);
  configs::Parent made = config.recipe().parent();
  if (!parent.root) made.clear_root();  // not known yet
  const configs::Parent given = configs::check_config(text, path.string(), options.overrides).config.recipe().parent();
  std::vector<std::string> reasons = reasons_against(options, parent, configs::resolve(config).recipe(), own);
  for (const std::string& reason : other_lineage(given, parent.recipe.parent(), made)) reasons.push_back(reason);
  refuse(options, reasons);
  return config;
}

ForkResult prepare_fork(const ForkOptions& options, const configs::RunConfig& config, int num_threads,
                        dist::Communicator& communicator, ProgressSink& progress) {
  ForkResult result;
  const std::string answer =
      on_first_rank(communicator, [&] { return fill_folder(options, config, num_threads, progress); });
  result.config = config;
  if (answer.starts_with("signal ")) {
    result.stopped_by_signal = std::stoi(answer.substr(7));
  } else {
    result.config.mutable_recipe()->mutable_parent()->set_root(answer);
  }
  return result;
}

}  // namespace reprise::train
