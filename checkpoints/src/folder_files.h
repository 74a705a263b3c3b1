#pragma once
// The files of a folder that are named like checkpoints; what is in them is not looked at.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "reprise/checkpoints/checkpoint.h"

namespace reprise::checkpoints {

struct Candidate {
  std::filesystem::path path;
  FileKind kind = FileKind::kScheduled;
  std::uint64_t step = 0;
};

/// Returns the files of a folder that are named like checkpoints: by step, the scheduled one of a step first.
std::vector<Candidate> candidates_in(const std::filesystem::path& folder);

}  // namespace reprise::checkpoints
