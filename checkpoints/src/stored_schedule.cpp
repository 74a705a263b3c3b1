#include <set>

#include "reprise/checkpoints/examine.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/prune.h"
#include "reprise/core/error.h"
#include "reprise/core/shell_line.h"

namespace reprise::checkpoints {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& folder, const std::string& what) {
  throw Error(ErrorKind::kCheckpoint, fmt::format("not all checkpoints of the run are there: {}", what),
              fmt::format("`reprise checkpoint verify {}`, or name the checkpoints that are meant as RUN@STEP",
                          shell_line({folder.parent_path().string()})));
}

/// Recovery files are no part of the schedule, whatever they hold.
bool is_recovery_name(const std::filesystem::path& path) { return path.filename().string().starts_with("recovery-"); }

/// The steps that the run lists and that neither are there nor were pruned, up to the newest one there of a run that is
/// not finished.
std::string missing_steps(const Ledger& ledger, const std::set<std::uint64_t>& known, std::uint64_t newest) {
  std::string steps;
  for (const auto& [step, root] : ledger.roots) {
    if (known.contains(step) || (!ledger.finished && step > newest)) continue;
    steps += fmt::format("{}{}", steps.empty() ? "" : ", ", step);
  }
  return steps;
}

}  // namespace

std::vector<CheckpointInfo> stored_schedule(const std::filesystem::path& folder, const std::optional<Ledger>& ledger) {
  FolderScan scan = scan_checkpoints(folder);
  for (const SkippedFile& file : scan.skipped) {
    if (!is_recovery_name(file.path)) refuse(folder, file.reason.what());
  }
  std::erase_if(scan.complete, [](const CheckpointInfo& info) { return info.kind != FileKind::kScheduled; });
  if (!ledger) return std::move(scan.complete);
  std::set<std::uint64_t> known;
  for (const CheckpointInfo& info : scan.complete) known.insert(info.header.step);
  const std::uint64_t newest = known.empty() ? 0 : *known.rbegin();
  for (const PrunedCheckpoint& gone : read_pruned(folder)) {
    if (gone.whole_file) known.insert(gone.step);
  }
  const std::string missing = missing_steps(*ledger, known, newest);
  if (!missing.empty()) refuse(folder, fmt::format("run.log lists step(s) {} too: {}", missing, folder.string()));
  return std::move(scan.complete);
}

}  // namespace reprise::checkpoints
