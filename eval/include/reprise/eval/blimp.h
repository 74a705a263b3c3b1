#pragma once
// BLiMP (Warstadt et al. 2020) where its files are given; the project does not ship them.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "reprise/eval/suite.h"

namespace reprise::eval {

inline constexpr std::size_t kNumBlimpSubtasks = 67;  // as published

/// Reads every *.jsonl and *.jsonl.zst of a folder, in the order of their names: sentence_good, sentence_bad and UID
/// (the file's name where it is missing). Throws kUsage when the folder or the files are missing, kData (file, line,
/// field) when one cannot be read, lies there plain and compressed, or is packed otherwise (*.jsonl.gz).
std::vector<MinimalPair> read_blimp(const std::filesystem::path& folder);

/// The folder given, or else the environment variable REPRISE_EVAL_DATA. Throws kUsage when there is neither.
std::filesystem::path blimp_folder(const std::optional<std::filesystem::path>& given);

}  // namespace reprise::eval
