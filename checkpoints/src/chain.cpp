#include <algorithm>
#include <set>
#include <utility>

#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/prune.h"

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

/// A place in the chain: a file, or the record of one that was pruned.
struct Link {
  std::uint64_t step = 0;
  std::filesystem::path path;
  Digest root;
  Digest previous_root;
  bool in_chain = true;  // recovery files hang on the chain
};

/// The chain by step: scheduled and recovery files, and in the gaps between them what the record says was there.
std::vector<Link> links_of(const FolderScan& scan, const std::vector<PrunedCheckpoint>& pruned,
                           const std::filesystem::path& folder) {
  std::vector<Link> links;
  std::set<std::uint64_t> present;
  for (const CheckpointInfo& info : scan.complete) {
    const bool scheduled = info.kind == FileKind::kScheduled;
    links.push_back({info.header.step, info.path, info.root, info.header.previous_root, scheduled});
    if (scheduled) present.insert(info.header.step);
  }
  for (const PrunedCheckpoint& gone : pruned) {
    if (!gone.whole_file || present.contains(gone.step)) continue;
    links.push_back({gone.step, folder / "pruned.json", gone.root, gone.previous_root, true});
  }
  std::stable_sort(links.begin(), links.end(), [](const Link& a, const Link& b) {
    return std::pair(a.step, !a.in_chain) < std::pair(b.step, !b.in_chain);
  });
  return links;
}

/// What stands before `link`, in words.
std::string place_before(const Link* previous, const Digest& before) {
  if (previous != nullptr) {
    return fmt::format("the root of {} is {}", file_name(FileKind::kScheduled, previous->step), previous->root.hex());
  }
  return before == Digest{} ? "but there is no checkpoint before it"
                            : fmt::format("the parent's root is {}", before.hex());
}

void check_link(const Link& link, const Link* previous, const Digest& before, std::vector<ChainProblem>& problems) {
  const Digest expected = previous == nullptr ? before : previous->root;
  if (link.previous_root == expected) return;
  problems.push_back(
      {link.step, link.path,
       fmt::format("previous_root is {}, {}", link.previous_root.hex(), place_before(previous, before))});
}

bool is_pruned(const std::vector<PrunedCheckpoint>& pruned, std::uint64_t step) {
  return std::any_of(pruned.begin(), pruned.end(),
                     [&](const PrunedCheckpoint& gone) { return gone.whole_file && gone.step == step; });
}

void check_steps(const FolderScan& scan, const std::vector<PrunedCheckpoint>& pruned,
                 std::span<const std::uint64_t> expected, std::vector<ChainProblem>& problems) {
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
    if (!is_damaged && !is_pruned(pruned, step) && !std::binary_search(present.begin(), present.end(), step)) {
      problems.push_back({step, {}, fmt::format("{} is missing", name)});
    }
  }
}

}  // namespace

std::vector<ChainProblem> verify_chain(const std::filesystem::path& folder,
                                       std::span<const std::uint64_t> expected_steps, const Digest& before) {
  const FolderScan scan = scan_checkpoints(folder);
  std::vector<ChainProblem> problems;
  for (const SkippedFile& file : scan.skipped) problems.push_back({0, file.path, file.reason.what()});
  for (const CheckpointInfo& info : scan.complete) compare_runs(scan.complete.front(), info, problems);
  const std::vector<PrunedCheckpoint> pruned = read_pruned(folder);
  const std::vector<Link> links = links_of(scan, pruned, folder);
  const Link* previous = nullptr;  // the last scheduled one
  for (const Link& link : links) {
    check_link(link, previous, before, problems);
    if (link.in_chain) previous = &link;
  }
  if (!expected_steps.empty()) check_steps(scan, pruned, expected_steps, problems);
  std::stable_sort(problems.begin(), problems.end(),
                   [](const ChainProblem& a, const ChainProblem& b) { return a.step < b.step; });
  return problems;
}

}  // namespace reprise::checkpoints
