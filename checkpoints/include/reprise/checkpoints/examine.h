#pragma once
// What each file of a folder of checkpoints is, against what the run says it should be: files under a wrong step,
// copies, gaps, files of another run, damage, left-overs. For folders without a log verify_chain() (folder.h) is the
// check.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

/// What a run says of its checkpoints (run.log).
struct Ledger {
  Digest recipe_hash;
  Digest data_root;
  std::map<std::uint64_t, Digest> roots;   // of the scheduled checkpoints
  std::map<std::uint64_t, Digest> states;  // state_digest() of every step but the first of roots
  std::set<std::uint64_t> moments;         // steps whose scheduled checkpoint is stored with its moments
  /// The newest files of an unfinished run may be missing: its log is ahead of them.
  bool finished = true;
};

struct Finding {
  enum class Kind {
    kDamaged,        // cannot be read, or does not match its digests
    kMisnamed,       // not the name that its step has, so that no reader of the run takes it
    kForeign,        // of another recipe or other data
    kSwapped,        // holds another step, and the file of that step holds this one
    kDuplicate,      // holds what another file holds, under a step it is not of
    kWrongStep,      // holds another step of this run than its name or header says
    kUnknownState,   // holds a state that no step of this run has
    kBrokenChain,    // does not name the root of the checkpoint before it
    kNotListed,      // the run has no checkpoint of this step
    kNoMoments,      // without the moments that the run stored, and they were not pruned
    kMissing,        // listed by the run, neither there nor pruned
    kStaleRecovery,  // a recovery file behind which a scheduled checkpoint with moments is there
  };
  Kind kind = Kind::kDamaged;
  std::filesystem::path path;                // empty when a file is missing
  std::uint64_t step = 0;                    // that the file claims by its name
  std::optional<std::uint64_t> actual_step;  // whose state it holds, where the run has one
  std::vector<std::string> equals;           // names of files with the same weights
  std::string what;                          // a sentence without the file's name
};

/// Returns the name of a kind: "damaged", "foreign", "swapped", "duplicate", "wrong_step", ...
std::string_view to_string(Finding::Kind kind) noexcept;

/// Reads every checkpoint of a folder whole and returns what is wrong, by step; nothing when all is well. Calls
/// `progress` before each file with its place and their number.
std::vector<Finding> examine_checkpoints(const std::filesystem::path& folder, const Ledger& ledger,
                                         const std::function<void(std::size_t done, std::size_t total)>& progress);

/// Returns the scheduled checkpoints of a folder, by step, for those who want all of them: what was pruned is left out,
/// and anything else that is not there, or damaged, or named wrongly, is an error (kCheckpoint) that names it. Without
/// a ledger nothing is known to be missing. Tensor values are not read.
std::vector<CheckpointInfo> stored_schedule(const std::filesystem::path& folder, const std::optional<Ledger>& ledger);

}  // namespace reprise::checkpoints
