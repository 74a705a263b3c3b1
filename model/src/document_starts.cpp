#include "document_starts.h"

namespace reprise::model {

std::vector<std::int32_t> starts_of_documents(std::span<const std::int32_t> ids, std::int64_t length,
                                              std::int32_t document_end) {
  std::vector<std::int32_t> starts(ids.size());
  std::int32_t start = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto position = static_cast<std::int32_t>(static_cast<std::int64_t>(i) % length);
    if (position == 0) start = 0;
    starts[i] = start;
    if (ids[i] == document_end) start = position + 1;
  }
  return starts;
}

}  // namespace reprise::model
