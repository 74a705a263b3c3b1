#pragma once

#include <filesystem>

namespace reprise::audit {

/// Whether training has begun in a folder.
inline bool holds_run(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / "run.log") || std::filesystem::exists(folder / "checkpoints");
}

}  // namespace reprise::audit
