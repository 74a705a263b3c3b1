#pragma once
// Embedding lookup and its gradient on a GPU [C-9]. An id outside [0, vocab) adds to no row.

#include <cstdint>

#include "queue.h"

namespace reprise::numerics::cuda {

void embedding_forward(Queue& queue, std::int64_t num_tokens, std::int64_t dim, const std::int32_t* ids,
                       const float* table, float* y);
void embedding_backward(Queue& queue, std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab,
                        const std::int32_t* ids, const float* dy, float* dtable);

}  // namespace reprise::numerics::cuda
