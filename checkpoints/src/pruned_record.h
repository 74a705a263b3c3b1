#pragma once
// pruned.json.

#include <filesystem>
#include <span>

#include "reprise/checkpoints/prune.h"

namespace reprise::checkpoints {

/// Adds records to those of the folder, replacing those of the same step, in one atomic write.
void record_pruned(const std::filesystem::path& folder, std::span<const PrunedCheckpoint> added);

}  // namespace reprise::checkpoints
