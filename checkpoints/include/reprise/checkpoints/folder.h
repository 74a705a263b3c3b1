#pragma once
// A folder of checkpoints as a whole: what is in it, what is damaged, whether the chain of roots holds.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/error.h"

namespace reprise::checkpoints {

/// A file named like a checkpoint that is none, and why.
struct SkippedFile {
  std::filesystem::path path;
  Error reason;
};

/// Throws kCorrupt when a file of a run's folder is not named as one of the step and kind that it holds.
void require_name(const CheckpointInfo& info);

/// The file of a step in a run's folder: the scheduled one, or the recovery file where there is no other. Not opened.
std::optional<std::filesystem::path> find_step(const std::filesystem::path& folder, std::uint64_t step);

struct FolderScan {
  std::vector<CheckpointInfo> complete;  // by step, the scheduled file of a step before its recovery file
  std::vector<SkippedFile> skipped;
};

/// Reads header and root of every checkpoint of a folder. list_checkpoints() returns the complete ones alone.
FolderScan scan_checkpoints(const std::filesystem::path& folder);

struct Resumable {
  std::optional<CheckpointInfo> checkpoint;
  std::vector<SkippedFile> skipped;  // newer ones that are damaged, newest first
};

/// Finds the checkpoint of the highest step that holds moments and whose whole content verifies. Throws kIo when the
/// system refuses to read one of those looked at.
Resumable find_resumable(const std::filesystem::path& folder);

/// What a file says about its tensors, without their values.
struct CheckpointDescription {
  CheckpointInfo info;
  TensorLayout layout;  // weight_decay is not stored in a checkpoint: take it from the model
  StateDigests digests;
};

/// Reads and verifies everything but the tensors' values. Throws kCorrupt like read_info().
CheckpointDescription read_description(const std::filesystem::path& path);

struct ChainProblem {
  std::uint64_t step = 0;      // of the file, or the missing step
  std::filesystem::path path;  // empty when a file is missing
  std::string what;
};

/// Checks that the scheduled checkpoints of a folder are one chain of one run: each names the root of the one before
/// it (the first one `before`: none, or a checkpoint of the parent run), all have the same recipe, data, seed and
/// contract; recovery files hang on the chain. Files that were pruned (prune.h) are links by their record. With
/// `expected_steps` (ascending) no step may be missing or surplus. Damaged files are problems too; tensor values are
/// not read (read_checkpoint() does that). Returns an empty list when all is well; by step.
std::vector<ChainProblem> verify_chain(const std::filesystem::path& folder,
                                       std::span<const std::uint64_t> expected_steps = {}, const Digest& before = {});

}  // namespace reprise::checkpoints
