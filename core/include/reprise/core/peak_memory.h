#pragma once
// How much memory this process has had at most.

#include <cstdint>

namespace reprise {

/// High-water mark of this process's resident memory in bytes (VmHWM), or 0 where the system does not say.
std::uint64_t peak_memory_bytes();

}  // namespace reprise
