#pragma once
// The held-out split: which documents are kept for evaluation, whatever else is in the corpus. Thread-safe.

#include <string_view>

namespace reprise::data {

/// True when the first 8 bytes, big-endian, of SHA-256("reprise.held_out.v1" and the id) are, as a fraction of 2^64,
/// below `fraction`.
bool is_held_out(std::string_view id, double fraction);

}  // namespace reprise::data
