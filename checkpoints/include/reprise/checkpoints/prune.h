#pragma once
// Making a folder of checkpoints smaller by what can be computed again: moments of anchors, or whole files. What went
// is recorded in `pruned.json` beside the files, so that it can be told from what is missing
// (docs/formats/checkpoint.md).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

/// What was taken away from a scheduled checkpoint. Its root and its parent's keep the chain whole.
struct PrunedCheckpoint {
  std::uint64_t step = 0;
  Digest root;
  Digest previous_root;
  bool whole_file = false;  // else its moments
};

/// Reads `pruned.json` of a folder, by step; a folder without one has none. Throws kCorrupt.
std::vector<PrunedCheckpoint> read_pruned(const std::filesystem::path& folder);

/// What to keep. Rules on moments and on files do not depend on each other.
struct PruneRule {
  std::optional<std::uint64_t> keep_moments;  // in this many (at least 1) of the newest checkpoints that have them
  std::optional<std::uint64_t> keep_every;    // delete files but at multiples of this step
  std::set<std::uint64_t> keep_steps;         // and but these; alone: delete all others
};

struct PruneReport {
  struct Change {
    std::filesystem::path path;
    std::uint64_t step = 0;
    bool whole_file = false;  // deleted; else its moments were taken out
    std::uint64_t bytes_freed = 0;
  };
  struct KeptBack {  // what the rule would have deleted
    std::uint64_t step = 0;
    std::string reason;
  };
  std::vector<Change> changed;
  std::vector<KeptBack> kept_back;
};

/// Applies a rule to the scheduled checkpoints of a folder. Kept in any case: the newest one, the one that the run
/// would resume from, and every anchor of a file that is kept. First the record is written, then the files are changed
/// one by one, so a kill leaves nothing that is gone without a record; the same call goes on. Files that are damaged or
/// named wrongly are not touched. Throws kCheckpoint when the folder holds nothing to resume from, or not a step of
/// rule.keep_steps.
PruneReport prune_checkpoints(const std::filesystem::path& folder, const PruneRule& rule, bool dry_run);

}  // namespace reprise::checkpoints
