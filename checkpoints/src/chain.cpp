#include <algorithm>

#include "reprise/checkpoints/folder.h"

namespace reprise::checkpoints {
namespace {

/// Adds a problem for each thing in which a checkpoint belongs to another run than `first`.
void compare_runs(const CheckpointInfo& first, const CheckpointInfo& info, std::vector<ChainProblem>& problems) {
  const auto differs = [&](std::string_view what, const std::string& ours, const std::string& theirs) {
    problems.push_back({info.header.step, info.path,
                        fmt::format("{} is {}, that of {} is {}", what, ours, first.path.filename().string(), theirs)});
  };
  const Header& a = info.header;
  const Header& b = first.header;
  if (a.recipe_hash != b.recipe_hash) differs("recipe_hash", a.recipe_hash.hex(), b.recipe_hash.hex());
  if (a.data_root != b.data_root) differs("data_root", a.data_root.hex(), b.data_root.hex());
  if (a.seed != b.seed) differs("seed", std::to_string(a.seed), std::to_string(b.seed));
  if (a.contract_version != b.contract_version) {
    differs("contract_version", std::to_string(a.contract_version), std::to_string(b.contract_version));
  }
}

void check_link(const CheckpointInfo& info, const CheckpointInfo* previous, std::vector<ChainProblem>& problems) {
  const Digest expected = previous == nullptr ? Digest{} : previous->root;
  if (info.header.previous_root == expected) return;
  problems.push_back(
      {info.header.step, info.path,
       fmt::format("previous_root is {}, {}", info.header.previous_root.hex(),
                   previous == nullptr ? std::string("but there is no checkpoint before it")
                                       : fmt::format("the root of {} is {}", previous->path.filename().string(),
                                                     previous->root.hex()))});
}

void check_steps(const FolderScan& scan, std::span<const std::uint64_t> expected, std::vector<ChainProblem>& problems) {
  std::vector<std::uint64_t> present;
  for (const CheckpointInfo& info : scan.complete) {
    if (info.kind != FileKind::kScheduled) continue;
    present.push_back(info.header.step);
    if (!std::binary_search(expected.begin(), expected.end(), info.header.step)) {
      problems.push_back({info.header.step, info.path, "no checkpoint is scheduled at this step"});
    }
  }
  for (const std::uint64_t step : expected) {
    const std::string name = file_name(FileKind::kScheduled, step);
    const bool is_damaged = std::any_of(scan.skipped.begin(), scan.skipped.end(),
                                        [&](const SkippedFile& file) { return file.path.filename() == name; });
    if (!is_damaged && !std::binary_search(present.begin(), present.end(), step)) {
      problems.push_back({step, {}, fmt::format("{} is missing", name)});
    }
  }
}

}  // namespace

std::vector<ChainProblem> verify_chain(const std::filesystem::path& folder,
                                       std::span<const std::uint64_t> expected_steps) {
  const FolderScan scan = scan_checkpoints(folder);
  std::vector<ChainProblem> problems;
  for (const SkippedFile& file : scan.skipped) problems.push_back({0, file.path, file.reason.what()});
  const CheckpointInfo* previous = nullptr;  // the last scheduled one
  for (const CheckpointInfo& info : scan.complete) {
    compare_runs(scan.complete.front(), info, problems);
    check_link(info, previous, problems);
    if (info.kind == FileKind::kScheduled) previous = &info;
  }
  if (!expected_steps.empty()) check_steps(scan, expected_steps, problems);
  std::stable_sort(problems.begin(), problems.end(),
                   [](const ChainProblem& a, const ChainProblem& b) { return a.step < b.step; });
  return problems;
}

}  // namespace reprise::checkpoints
