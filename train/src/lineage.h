#pragma once
// A run that goes on from a step of another one (docs/reference/forks.md): what it takes over from parent.h5.

#include <optional>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/logs/run_log.h"
#include "reprise/train/fork.h"
#include "run_folder.h"

namespace reprise::train {

/// What run.log says of the parent; nothing for a run without one.
std::optional<logs::ParentLink> parent_link(const configs::Recipe& recipe);

/// Reads header and root of parent.h5. Throws kCheckpoint when it is not the checkpoint that recipe.parent names.
checkpoints::CheckpointInfo parent_info(const RunFolder& folder, const configs::Recipe& recipe);

/// Reads and verifies parent.h5, and keeps the moments of the chunks `moments`. Throws kCheckpoint when it is not the
/// checkpoint that recipe.parent names.
checkpoints::LoadedCheckpoint read_parent(const RunFolder& folder, const configs::Recipe& recipe,
                                          const ChunkRange& moments);

/// Lets `header`, which knows recipe and data of the child, go on where the parent was.
void continue_header(const checkpoints::CheckpointInfo& parent, const configs::Recipe& recipe,
                     checkpoints::Header& header);

}  // namespace reprise::train
