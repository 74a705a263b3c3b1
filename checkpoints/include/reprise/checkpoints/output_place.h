#pragma once
// Where files that are made of a run's checkpoints may go: never over a file of a run, or any that somebody else wrote.

#include <cstdint>
#include <filesystem>

#include "reprise/core/hash.h"

namespace reprise::checkpoints {

/// Throws kUsage unless an average may be written to `out`: nothing is there, or an average, and the folder is not the
/// one of a run's checkpoints.
void require_place_of_average(const std::filesystem::path& out);

/// Throws kUsage where `folder`, which an export is to be written into, is one of a run's own (its checkpoints,
/// tokenizer, shards, documents or scores), or holds a model or tokenizer that is no export.
void require_place_of_export(const std::filesystem::path& folder);

/// Which checkpoint is to be made, whatever a file of it stores.
struct MadeCheckpoint {
  std::uint64_t step = 0;
  Digest recipe_hash;
  Digest data_root;
};

/// The same for a checkpoint: what it may replace is a file of that very step of that run.
void require_place_of_checkpoint(const std::filesystem::path& out, const MadeCheckpoint& made);

}  // namespace reprise::checkpoints
