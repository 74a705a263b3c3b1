#pragma once
// Buffers of one thread that kernels reuse, so that a call in steady state allocates nothing.

#include <cstdint>

namespace reprise::numerics {

/// Who uses a buffer. Two that are alive at the same time must differ.
enum class Scratch { kGemmA, kGemmB, kAttention, kLogits, kCount };

/// Returns this thread's buffer `which`, aligned to 64 bytes, of at least `count` floats and 64 more that vectors may
/// overrun. What it holds is undefined. A later call for the same buffer may move it.
float* scratch(Scratch which, std::int64_t count);

}  // namespace reprise::numerics
