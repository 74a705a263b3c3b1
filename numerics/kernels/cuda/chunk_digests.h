#pragma once
// SHA-256 of the chunks of a state on a GPU, so that it need not come to the host to be hashed.

#include <cstdint>

#include "queue.h"

namespace reprise::numerics::cuda {

/// digests[8 * num_chunks], in words whose bytes are those of the digest; x is aligned to 16 bytes.
void digest_chunks(Queue& queue, std::int64_t num_chunks, const std::int32_t* lengths, const float* x,
                   std::uint32_t* digests, std::uint8_t* non_finite);

}  // namespace reprise::numerics::cuda
