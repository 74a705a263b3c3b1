// Which files go, in which order, and what is never taken.

#include "reprise/checkpoints/prune.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "folder_files.h"
#include "pruned_record.h"
#include "read_file.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/storage.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/files.h"
#include "reprise/core/shell_line.h"
#include "write_file.h"

namespace reprise::checkpoints {
namespace {

/// The scheduled checkpoints of a folder by step, as their headers have them; their content is not verified here.
std::vector<CheckpointInfo> scheduled_in(const std::filesystem::path& folder) {
  std::vector<CheckpointInfo> files;
  for (const Candidate& candidate : candidates_in(folder)) {
    if (candidate.kind != FileKind::kScheduled) continue;
    try {
      const Hdf5Lock lock;
      FileReader reader(candidate.path);
      reader.read_header();
      if (!reader.average() && reader.info().header.step == candidate.step) files.push_back(reader.info());
    } catch (const Error&) {
      continue;  // a damaged file is not touched; `checkpoint verify` names it
    }
  }
  return files;
}

class Pruning {
 public:
  Pruning(const std::filesystem::path& folder, const PruneRule& rule)
      : folder_(folder), rule_(rule), files_(scheduled_in(folder)), resumable_(find_resumable(folder).checkpoint) {
    REPRISE_REQUIRE(
        resumable_, ErrorKind::kCheckpoint,
        fmt::format("nothing to resume from would be left: {} holds no whole checkpoint with moments", folder.string()),
        how_to_resume());
  }
  PruneReport run(bool dry_run);

 private:
  bool is_resumable(const CheckpointInfo& info) const { return info.path == resumable_->path; }
  std::string how_to_resume() const;
  std::string stored_near(std::uint64_t step) const;
  void require_kept() const;
  bool by_rule(std::uint64_t step) const;
  void choose_files();
  void keep_back(const CheckpointInfo& info, std::string reason);
  void choose_moments();
  void record() const;
  void take_moments(PruneReport::Change& change) const;
  void remove(const PruneReport::Change& change) const;

  const std::filesystem::path& folder_;
  const PruneRule& rule_;
  std::vector<CheckpointInfo> files_;
  std::optional<CheckpointInfo> resumable_;
  std::set<std::uint64_t> deleted_;
  std::vector<const CheckpointInfo*> stripped_;
  PruneReport report_;
};

/// What makes a checkpoint with moments, as a hint: nothing but the run itself writes into its folder, so it is moved
/// there by hand.
std::string Pruning::how_to_resume() const {
  return fmt::format(
      "`reprise checkpoint materialize {} --step {}` makes one with moments; move the file that it writes into {}",
      shell_line({folder_.parent_path().string()}), files_.empty() ? "N" : std::to_string(files_.back().header.step),
      folder_.string());
}

/// Up to two steps that are stored below `step`, and two above it, as a hint.
std::string Pruning::stored_near(std::uint64_t step) const {
  const auto above = std::partition_point(files_.begin(), files_.end(),
                                          [&](const CheckpointInfo& info) { return info.header.step < step; });
  const auto begin = above - std::min<std::ptrdiff_t>(2, above - files_.begin());
  const auto end = above + std::min<std::ptrdiff_t>(2, files_.end() - above);
  std::string steps;
  for (auto info = begin; info != end; ++info)
    steps += fmt::format("{}{}", info == begin ? "" : ", ", info->header.step);
  return steps.empty() ? "no step is stored here" : "stored near it: " + steps;
}

/// A step to keep that is not there, or whose file cannot be read, is a slip: the others would go for nothing.
void Pruning::require_kept() const {
  for (const std::uint64_t step : rule_.keep_steps) {
    const bool is_stored =
        std::any_of(files_.begin(), files_.end(), [&](const CheckpointInfo& info) { return info.header.step == step; });
    REPRISE_REQUIRE(is_stored, ErrorKind::kCheckpoint,
                    fmt::format("no checkpoint that could be kept is stored at step {}: {}", step, folder_.string()),
                    stored_near(step));
  }
}

/// Whether the rule deletes the file of a step.
bool Pruning::by_rule(std::uint64_t step) const {
  if (!rule_.keep_every && rule_.keep_steps.empty()) return false;
  const bool is_multiple = rule_.keep_every && step % *rule_.keep_every == 0;
  return !is_multiple && !rule_.keep_steps.contains(step);
}

void Pruning::keep_back(const CheckpointInfo& info, std::string reason) {
  if (deleted_.erase(info.header.step) > 0) report_.kept_back.push_back({info.header.step, std::move(reason)});
}

void Pruning::choose_files() {
  for (const CheckpointInfo& info : files_) {
    if (by_rule(info.header.step)) deleted_.insert(info.header.step);
  }
  keep_back(files_.back(), "it is the newest");
  for (const CheckpointInfo& info : files_) {
    if (is_resumable(info)) keep_back(info, "the run would resume from it");
  }
  std::map<std::string, std::uint64_t> needed;  // roots of anchors, and a kept file that needs each
  for (const CheckpointInfo& info : files_) {
    if (info.anchor && !deleted_.contains(info.header.step)) needed.emplace(info.anchor->root.hex(), info.header.step);
  }
  for (const CheckpointInfo& info : files_) {
    const auto need = needed.find(info.root.hex());
    if (need == needed.end()) continue;
    keep_back(info, fmt::format("step {} is stored as its difference from it", need->second));
  }
}

void Pruning::choose_moments() {
  if (!rule_.keep_moments) return;
  std::uint64_t kept = 0;
  for (auto info = files_.rbegin(); info != files_.rend(); ++info) {
    if (!info->has_moments || deleted_.contains(info->header.step)) continue;
    if (kept++ < *rule_.keep_moments || is_resumable(*info)) continue;
    stripped_.push_back(&*info);
  }
  std::reverse(stripped_.begin(), stripped_.end());
}

void Pruning::record() const {
  std::vector<PrunedCheckpoint> records;
  for (const CheckpointInfo& info : files_) {
    const bool whole_file = deleted_.contains(info.header.step);
    if (!whole_file && std::find(stripped_.begin(), stripped_.end(), &info) == stripped_.end()) continue;
    records.push_back({info.header.step, info.root, info.header.previous_root, whole_file});
  }
  record_pruned(folder_, records);
}

void Pruning::take_moments(PruneReport::Change& change) const {
  const std::uint64_t before = std::filesystem::file_size(change.path);
  const LoadedCheckpoint loaded = read_checkpoint(change.path);
  StateView view;
  view.weights = loaded.weights;
  view.slice = {0, loaded.layout.num_chunks()};
  const FileContent content{loaded.info.header, loaded.layout, loaded.digests, view, loaded.info.root};
  replace_file(change.path, content, [](const std::filesystem::path& temporary) { read_checkpoint(temporary); });
  change.bytes_freed = before - std::filesystem::file_size(change.path);
}

void Pruning::remove(const PruneReport::Change& change) const {
  fault_point("before_rename");
  if (::unlink(change.path.c_str()) == 0 || errno == ENOENT) return;
  throw Error(ErrorKind::kIo, fmt::format("cannot delete: {}: {}", change.path.string(), system_reason(errno)),
              system_hint(errno));
}

PruneReport Pruning::run(bool dry_run) {
  require_kept();
  if (files_.empty()) return {};
  choose_files();
  choose_moments();
  for (const CheckpointInfo& info : files_) {
    const bool whole_file = deleted_.contains(info.header.step);
    if (!whole_file && std::find(stripped_.begin(), stripped_.end(), &info) == stripped_.end()) continue;
    // Three arrays of one size fill a file with moments; what exactly is freed is known afterwards.
    report_.changed.push_back(
        {info.path, info.header.step, whole_file, whole_file ? info.file_bytes : info.file_bytes / 3 * 2});
  }
  if (dry_run) return std::move(report_);
  record();
  for (PruneReport::Change& change : report_.changed) {
    if (change.whole_file) {
      remove(change);
    } else {
      take_moments(change);
    }
  }
  return std::move(report_);
}

}  // namespace

PruneReport prune_checkpoints(const std::filesystem::path& folder, const PruneRule& rule, bool dry_run) {
  REPRISE_REQUIRE(!rule.keep_moments || *rule.keep_moments > 0, ErrorKind::kUsage,
                  "no checkpoint would be left to resume from: moments kept in 0 checkpoints", "keep 1 or more");
  REPRISE_REQUIRE(!rule.keep_every || *rule.keep_every > 0, ErrorKind::kUsage, "every 0 steps is no rule",
                  "give a number of steps, such as 100");
  return Pruning(folder, rule).run(dry_run);
}

void apply_rule(const std::filesystem::path& folder, std::uint64_t step, const StorageRule& rule) {
  if (rule.delta) pack_checkpoint(folder, step);
  // Moments go when newer ones have come, so that there is always something to resume from.
  if (rule.keep_moments == 0 || !read_info(folder / file_name(FileKind::kScheduled, step)).has_moments) return;
  prune_checkpoints(folder, {rule.keep_moments, std::nullopt, {}}, false);
}

}  // namespace reprise::checkpoints
