#include "run_folder.h"

#include <google/protobuf/util/message_differencer.h>

#include <vector>

#include "lineage.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/print_note.h"
#include "reprise/core/scratch_folder.h"
#include "reprise/core/shell_line.h"
#include "reprise/train/holds_run.h"

namespace reprise::train {
namespace {

bool is_checkpoint_name(const std::string& name) {
  return (name.starts_with("step-") || name.starts_with("recovery-")) && name.ends_with(".h5");
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) files.push_back(entry.path());
  return files;
}

/// Throws unless a part of the folder (a checkpoint, run.log) was made by the same recipe.
void require_same_recipe(const RunIdentity& identity, const Digest& stored_hash, const std::string& stored_text,
                         const std::filesystem::path& path) {
  if (stored_hash == identity.recipe_hash) return;
  std::string difference;
  try {
    const configs::RunConfig stored = configs::resolve(configs::parse_config(stored_text, path.string()));
    difference = first_difference(stored.recipe(), identity.recipe);
  } catch (const Error&) {
    // A recipe of another version: the hashes have to do.
  }
  throw Error(
      ErrorKind::kCheckpoint,
      fmt::format("{} belongs to recipe {}, not to {}{}{}", path.string(), stored_hash.hex(),
                  identity.recipe_hash.hex(), difference.empty() ? "" : "; first difference: recipe.", difference),
      "resume with the recipe of the run (leave CONFIG out), or start anew with another --out");
}

void require_same_data(const RunIdentity& identity, const Digest& stored, const std::filesystem::path& path) {
  REPRISE_REQUIRE(stored == identity.data_root, ErrorKind::kCheckpoint,
                  fmt::format("{} was trained on token shards with root {}; the folder's shards have {}", path.string(),
                              stored.hex(), identity.data_root.hex()),
                  "restore the shards the run began with, or start anew with another --out");
}

/// Throws unless run.log was begun with the recipe, the shards and the tokenizer that the folder has now.
void require_same_run(const logs::RunHeader& stored, const logs::RunHeader& now, const std::filesystem::path& path) {
  const auto require = [&](std::string_view what, const Digest& then, const Digest& today) {
    REPRISE_REQUIRE(
        then == today, ErrorKind::kCheckpoint,
        fmt::format("{} was begun with {} {}; the folder has {}", path.string(), what, then.hex(), today.hex()),
        "restore what the run began with, or start anew with another --out");
  };
  require("recipe", stored.recipe_hash, now.recipe_hash);
  require("token shards with root", stored.data_root, now.data_root);
  require("tokenizer", stored.tokenizer, now.tokenizer);
}

/// Throws unless run.log is that of a run which has not come so far as to have a checkpoint. A checkpoint is recorded
/// when the one before it is complete, and of those with moments one always stays (docs/formats/run_folder.md).
void require_no_checkpoint_before(const RunFolder& folder) {
  if (!std::filesystem::exists(folder.run_log())) return;
  const logs::RunLog log = logs::read_intact_records(folder.run_log());
  const std::uint64_t first = log.records.front().header->first_step();
  std::uint64_t last = first;
  for (const logs::RunRecord& record : log.records) {
    if (record.checkpoint) last = record.checkpoint->step;
  }
  REPRISE_REQUIRE(
      last == first, ErrorKind::kCheckpoint,
      fmt::format("{} holds no checkpoint to go on from; {} records checkpoints up to step {}",
                  folder.checkpoints().string(), folder.run_log().string(), last),
      fmt::format("put the run's checkpoints back (is their disk mounted?); or start anew with another --out, "
                  "or here: move run.log away, then `{}`",
                  shell_line({"reprise", "train", "--resume", folder.root().string()})));
}

}  // namespace

std::string first_difference(const configs::Recipe& stored, const configs::Recipe& given) {
  std::string report;
  google::protobuf::util::MessageDifferencer differ;
  differ.ReportDifferencesToString(&report);
  if (differ.Compare(stored, given)) return {};
  const std::string line = report.substr(0, report.find('\n'));
  // "modified: train.num_steps: 600 -> 500"
  const std::size_t after_verb = line.find(": ");
  return after_verb == std::string::npos ? line : line.substr(after_verb + 2);
}

RunIdentity identify(const configs::RunConfig& config) {
  RunIdentity identity;
  configs::RunConfig only_recipe;
  *only_recipe.mutable_recipe() = configs::resolve(config).recipe();
  identity.recipe = only_recipe.recipe();
  identity.recipe_hash = configs::recipe_hash(identity.recipe);
  identity.recipe_text = configs::to_text(only_recipe);
  return identity;
}

logs::RunHeader run_header(const RunIdentity& identity, std::uint64_t num_parameters, std::uint64_t num_grains) {
  logs::RunHeader header;
  header.run_name = identity.recipe.name();
  header.recipe_hash = identity.recipe_hash;
  header.contract_version = identity.recipe.contract_version();
  header.data_root = identity.data_root;
  header.tokenizer = identity.tokenizer;
  header.recipe_text = identity.recipe_text;
  header.num_parameters = num_parameters;
  header.num_grains = num_grains;
  header.parent = parent_link(identity.recipe);
  return header;
}

void RunFolder::require_data() const {
  const char* hint = "run `reprise reproduce CONFIG`, or `reprise data build CONFIG` first, with the same --out";
  REPRISE_REQUIRE(std::filesystem::exists(tokenizer()), ErrorKind::kData,
                  fmt::format("the run folder has no tokenizer: {}", tokenizer().string()), hint);
  REPRISE_REQUIRE(std::filesystem::is_directory(shards()), ErrorKind::kData,
                  fmt::format("the run folder has no token shards: {}", shards().string()), hint);
}

bool holds_run(const std::filesystem::path& folder) {
  const RunFolder run(folder);
  if (std::filesystem::exists(run.run_log())) return true;
  for (const std::filesystem::path& path : files_in(run.checkpoints())) {
    if (is_checkpoint_name(path.filename().string())) return true;
  }
  return false;
}

void RunFolder::delete_partial_files() const {
  for (const std::filesystem::path& folder : {root_, checkpoints()}) {
    for (const std::filesystem::path& path : files_in(folder)) {
      const std::string name = path.filename().string();
      if (!name.starts_with(".") || !name.ends_with(".partial")) continue;
      std::error_code error;
      if (std::filesystem::is_directory(path, error)) {
        remove_stale_scratch(path);
      } else {
        std::filesystem::remove(path, error);
      }
    }
  }
}

void RunFolder::require_no_run() const {
  REPRISE_REQUIRE(!holds_run(root_), ErrorKind::kCheckpoint, fmt::format("{} already holds a run", root_.string()),
                  fmt::format("continue it with `reprise train --resume {}`, or choose another folder with --out",
                              shell_line({root_.string()})));
}

void RunFolder::begin(const RunIdentity& identity) const {
  require_no_run();
  delete_partial_files();
  write_file_atomically(recipe(), identity.recipe_text);
  make_folders(checkpoints());
}

std::optional<std::filesystem::path> RunFolder::prepare_resume(const RunIdentity& identity,
                                                               bool without_checkpoint) const {
  REPRISE_REQUIRE(holds_run(root_) || std::filesystem::exists(recipe()), ErrorKind::kCheckpoint,
                  fmt::format("{} holds no run to resume", root_.string()),
                  fmt::format("start one with `reprise train CONFIG --out {}`", shell_line({root_.string()})));
  make_folders(checkpoints());
  delete_partial_files();
  const checkpoints::Resumable found = checkpoints::find_resumable(checkpoints());
  for (const checkpoints::SkippedFile& skipped : found.skipped) {
    print_note("warning: passed over: {}\n", skipped.reason.what());
  }
  const std::optional<checkpoints::CheckpointInfo>& latest = found.checkpoint;
  if (latest) {
    require_same_recipe(identity, latest->header.recipe_hash, latest->header.recipe_text, latest->path);
    require_same_data(identity, latest->header.data_root, latest->path);
    return latest->path;
  }
  if (!without_checkpoint) require_no_checkpoint_before(*this);
  if (std::filesystem::exists(recipe())) {
    const configs::RunConfig stored = configs::load_config(recipe());
    require_same_recipe(identity, configs::recipe_hash(configs::resolve(stored).recipe()), read_file(recipe()),
                        recipe());
  }
  write_file_atomically(recipe(), identity.recipe_text);
  return std::nullopt;
}

logs::RunLogWriter open_run_log_at_start(const RunFolder& folder, const logs::RunHeader& header) {
  const std::filesystem::path path = folder.run_log();
  if (!std::filesystem::exists(path)) return logs::RunLogWriter::create(path, header);
  // A session that was killed before its first checkpoint was complete. Its records are made again, and checked
  // against the old ones. A kill leaves the header whole: it is written under another name first.
  const logs::RunHeader stored = *logs::read_intact_records(path).records.front().header;
  require_same_run(stored, header, path);
  return logs::RunLogWriter::resume(path, header.first_step());
}

logs::RunLogWriter open_run_log_after(const RunFolder& folder, const logs::RunHeader& header, std::uint64_t step,
                                      const Digest& state) {
  const std::filesystem::path path = folder.run_log();
  // Damage behind `step` does not matter: it is cut off. Before it, the writer below refuses.
  const logs::RunLog log = logs::read_intact_records(path);
  require_same_run(*log.records.front().header, header, path);
  for (const logs::RunRecord& record : log.records) {
    if (!record.step || record.step->step != step) continue;
    REPRISE_REQUIRE(record.step->state == state, ErrorKind::kCheckpoint,
                    fmt::format("{} says that the state of step {} is {}; the checkpoint's is {}", path.string(), step,
                                record.step->state.hex(), state.hex()),
                    "run.log and checkpoints/ are not of the same run");
  }
  return logs::RunLogWriter::resume(path, step);
}

}  // namespace reprise::train
