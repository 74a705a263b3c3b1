// Embedding lookup and its gradient [C-9]. Copies and single additions: no target-specific code.

#include <cstring>

#include "reprise/core/error.h"
#include "reprise/numerics/kernels.h"

namespace reprise::numerics {

void embedding_forward(std::int64_t num_tokens, std::int64_t dim, const std::int32_t* ids, const float* table,
                       float* y) {
  for (std::int64_t i = 0; i < num_tokens; ++i) {
    std::memcpy(y + i * dim, table + ids[i] * dim, static_cast<std::size_t>(dim) * sizeof(float));
  }
}

void embedding_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const std::int32_t* ids,
                        const float* dy, float* dtable) {
  std::memset(dtable, 0, static_cast<std::size_t>(vocab * dim) * sizeof(float));
  for (std::int64_t i = 0; i < num_tokens; ++i) {
    REPRISE_CHECK(ids[i] >= 0 && ids[i] < vocab);
    float* row = dtable + ids[i] * dim;
    const float* from = dy + i * dim;
    for (std::int64_t d = 0; d < dim; ++d) row[d] = row[d] + from[d];
  }
}

}  // namespace reprise::numerics
