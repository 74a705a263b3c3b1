#pragma once

#include <filesystem>

namespace reprise::train {

/// Whether training has begun in a run folder: a run.log is there, or a checkpoint.
bool holds_run(const std::filesystem::path& folder);

}  // namespace reprise::train
