#pragma once
// Where the documents of packed sequences start.

#include <cstdint>
#include <span>
#include <vector>

namespace reprise::model {

/// Returns, for each token of sequences of `length`, the position in its sequence at which its document starts: one
/// after the last `document_end` before it, or 0.
std::vector<std::int32_t> starts_of_documents(std::span<const std::int32_t> ids, std::int64_t length,
                                              std::int32_t document_end);

}  // namespace reprise::model
