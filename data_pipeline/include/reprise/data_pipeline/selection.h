#pragma once
// Which documents stay, whatever the order of the input: exact deduplication and the held-out split. Pure functions;
// thread-safe.

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "reprise/data_pipeline/corpus.h"

namespace reprise::data {

/// True when the first 8 bytes, big-endian, of SHA-256("reprise.held_out.v1" and the id) are, as a fraction of 2^64,
/// below `fraction`.
bool is_held_out(std::string_view id, double fraction);

/// For each document, sorted by id, the index of the survivor that has the same text and a smaller id, or nothing.
std::vector<std::optional<std::size_t>> find_duplicates(const std::vector<const Document*>& sorted_by_id);

}  // namespace reprise::data
