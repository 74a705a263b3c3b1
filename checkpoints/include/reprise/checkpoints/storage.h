#pragma once
// How the checkpoints of a folder are stored: whole, or as lossless differences from an anchor, which is a whole file
// of an earlier step. Roots, digests and what readers return are the same either way (docs/formats/checkpoint.md).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

/// What was done, or would be done, to one file.
struct StoredFile {
  std::filesystem::path path;
  std::uint64_t step = 0;
  std::optional<std::uint64_t> anchor_step;  // when it is stored as differences now
  std::uint64_t bytes_before = 0;            // of the file; in a dry run of the weights alone
  std::uint64_t bytes_after = 0;
};

struct StorageReport {
  std::vector<StoredFile> changed;
  std::uint64_t num_left = 0;      // anchors, recovery files, files that are stored so already or gain nothing
  std::uint64_t weight_bytes = 0;  // of the weights of `changed`, as plain values
  std::uint64_t delta_bytes = 0;   // and as differences
  double encode_seconds = 0;       // of the differences alone, without reading and writing
  double decode_seconds = 0;       // of undoing them, in a dry run
};

/// Called before each file with its place and their number; returns false to stop there.
using StorageProgress = std::function<bool(std::size_t done, std::size_t total)>;

/// Stores every scheduled checkpoint of `folder` that has no moments and is not an anchor as differences from the
/// nearest anchor before it: a whole file that has moments, or that other files differ from. Each file is replaced in
/// one step, after its differences have been read back and verified; a file that would not get smaller stays. A second
/// call changes nothing. Throws kCorrupt at the first file that does not verify; those before it are packed.
StorageReport pack_checkpoints(const std::filesystem::path& folder, bool dry_run, const StorageProgress& progress);

/// Stores every checkpoint of `folder` whole: each file gets the bytes it was first written with.
StorageReport unpack_checkpoints(const std::filesystem::path& folder, const StorageProgress& progress);

/// Stores the scheduled checkpoint of `step` as differences from the nearest one with moments before it. Returns
/// nothing when it stays as it is: it has moments itself, there is none before it, or it would not get smaller.
std::optional<StoredFile> pack_checkpoint(const std::filesystem::path& folder, std::uint64_t step);

/// What a run does to its folder behind each scheduled checkpoint (runtime.checkpoint_storage).
struct StorageRule {
  bool delta = false;              // pack_checkpoint()
  std::uint64_t keep_moments = 0;  // in this many of the newest ones, prune_checkpoints(); 0 in all
};

/// Applies the rule once the scheduled checkpoint of `step` is in `folder`, by one rank. Roots do not change.
void apply_rule(const std::filesystem::path& folder, std::uint64_t step, const StorageRule& rule);

}  // namespace reprise::checkpoints
