#pragma once
// The data card of a run's documents: Croissant 1.0 (MLCommons), JSON-LD that dataset catalogues read.

#include <filesystem>
#include <string>

#include "reprise/configs/config.pb.h"

namespace reprise::data {

/// Describes RUN/data: files with their SHA-256, fields, licences, and under `reprise:` the counts by split, source,
/// language and rule and the recipe's filters. A function of the files and the recipe alone: no date, no host. Throws
/// kIo, kCorrupt.
std::string data_card_json(const std::filesystem::path& run, const configs::Recipe& recipe);

}  // namespace reprise::data
